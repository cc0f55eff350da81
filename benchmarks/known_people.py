"""Measure how known people are found: generated identities in many ways of writing, false alarms, speed.

Run from the repository: `python benchmarks/known_people.py [variants] [alarms] [speed] [--show VARIANT] [--people N]`.
Identities come from Faker (group `bench`); the real answers for false alarms are read from `../shared/data`.
"""

import base64
import gzip
import html
import json
import random
import re
import sys
import time
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import quote, quote_plus

from faker import Faker

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.known.identity import KnownPeople
from certtrace.redaction.known.people import merged, people_in
from certtrace.redaction.policy.model import PROFILES
from certtrace.redaction.pseudonyms import Pseudonymizer
from certtrace.redaction.text.views import views

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LOCALES = [
    "en_US",
    "en_GB",
    "de_DE",
    "fr_FR",
    "es_ES",
    "pl_PL",
    "cs_CZ",
    "tr_TR",
    "sv_SE",
    "no_NO",
    "da_DK",
    "fi_FI",
    "nl_NL",
    "pt_BR",
    "it_IT",
    "ro_RO",
    "hu_HU",
    "vi_VN",
    "en_IN",
    "hr_HR",
    "ru_RU",
    "el_GR",
    "uk_UA",
    "ja_JP",
    "zh_CN",
    "ko_KR",
]
CJK = {"ja_JP", "zh_CN", "ko_KR"}
WIDE = {"ru_RU", "el_GR", "uk_UA", "ja_JP", "zh_CN", "ko_KR"}
MADE = [
    ("Jan", "van der Berg"), ("Sinéad", "O\u2019Neill"), ("Ian", "McDonald"), ("María José", "de la Cruz"),
    ("Omar", "al-Rashid"), ("Anne-Marie", "Müller-Lüdenscheidt"), ("Robert", "Lindqvist"), ("William", "Grøndahl"),
    ("Elizabeth", "Sørensen"), ("Alexander", "Weiß"), ("Katherine", "Strauß"), ("Jürgen", "Größner"),
    ("Haruki", "Watanabe"), ("Wei", "Zhang"), ("Xiu Ying", "Liu"), ("Jean-Luc", "d\u2019Artagnan"),
    ("Łukasz", "Wójcik"), ("Ana", "Ibáñez Núñez"), ("José", "García Márquez"), ("Ursula", "von der Leyen"),
    ("Ng\u00f4", "B\u1ea3o Ch\u00e2u"), ("Nuno", "Gonçalves"), ("Åse", "Ødegård"), ("Björn", "Lindqvist"),
]  # fmt: skip
FRAMES = (
    "The answer of {} is good enough.", "graded: {}", "Thanks, {}!", "({})", "user={};", "I spoke to {} about it.",
    '"{}"', "see {}, page 3", "\u7b54\u6848 {} \u5199", "от {} получено", "{} has solved the task.",
)  # fmt: skip
NICK = {"Robert": "Bob", "William": "Bill", "Elizabeth": "Liz", "Alexander": "Sasha", "Katherine": "Kate", "Thomas": "Tom",
        "Michael": "Mike", "James": "Jim", "David": "Dave", "Jennifer": "Jen", "Christopher": "Chris", "Matthew": "Matt",
        "Joseph": "Joe", "Daniel": "Dan", "Anthony": "Tony", "Richard": "Rick", "Patricia": "Pat", "Susan": "Sue"}  # fmt: skip
TWO = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue",
       "Å": "Aa", "Ø": "Oe", "Æ": "Ae"}  # fmt: skip
ONE = {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "Ae", "ı": "i"}
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


class Who:
    """One generated identity."""

    def __init__(self, first: str, last: str, locale: str, fake: Faker, chance: random.Random) -> None:
        self.first, self.last, self.locale = first, last, locale
        self.wide = locale in WIDE
        plain = re.sub(r"[^a-z.]", "", ascii_of(f"{first.split()[0]}.{last}").lower()) if not self.wide else ""
        self.email = f"{plain}@{fake.domain_name()}" if plain else fake.ascii_email()
        self.handle = (
            re.sub("[^a-z]", "", f"{ascii_of(first)[:3]}{ascii_of(last)[:4]}".lower()) + f"_{chance.randrange(10, 100)}"
            if plain
            else fake.user_name() + "_7"
        )
        self.born = fake.date_of_birth(minimum_age=18, maximum_age=70)
        self.phone = f"+49 {chance.randrange(151, 179)} {chance.randrange(10**6, 10**7 - 1)}"
        self.street = (
            f"{fake.last_name()} {chance.choice(['Street', 'Road', 'Avenue', 'Lane'])}"
            if chance.random() < 0.5
            else f"{chance.choice(['Linden', 'Berliner', 'Goethe', 'Bahnhof'])}stra\u00dfe"
        )
        self.number = str(chance.randrange(1, 180))
        self.address = (
            f"{self.number} {self.street}, Leeds LS1 4AB"
            if " " in self.street
            else f"{self.street} {self.number}, 10969 Berlin"
        )
        self.id = f"C-{chance.randrange(2019, 2026)}-{chance.randrange(1000, 9999)}"

    def full(self) -> str:
        return f"{self.last}{self.first}" if self.locale in CJK else f"{self.first} {self.last}"

    def known(self) -> dict[str, str]:
        names = (
            {"name": self.full()} if self.locale not in CJK else {"family_name": self.last, "given_name": self.first}
        )
        return names | {"email": self.email, "phone": self.phone, "date_of_birth": self.born.isoformat(), "address": self.address,
                "username": self.handle, "candidate_id": self.id}  # fmt: skip


def ascii_of(text: str) -> str:
    text = "".join(ONE.get(c, c) for c in text)
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def people(count: int) -> list[Who]:
    chance = random.Random(20261122)
    result: list[Who] = []
    Faker.seed(20261122)
    fakes = {locale: Faker(locale) for locale in LOCALES}
    english = fakes["en_GB"]
    for first, last in MADE:
        result.append(Who(first, last, "made", english, chance))
    seen: set[str] = set()
    while len(result) < count:
        locale = LOCALES[len(result) % len(LOCALES)]
        fake = fakes[locale]
        first, last = fake.first_name(), fake.last_name()
        if f"{first} {last}" not in seen:
            seen.add(f"{first} {last}")
            result.append(Who(first, last, locale, english, chance))
    return result


def typo(word: str, kind: str, chance: random.Random) -> str | None:
    places = [at for at in range(1, len(word) - 1) if word[at].isalpha() and word[at + 1].isalpha()]
    if len(word) < 5 or not places:
        return None
    at = chance.choice(places)
    if kind == "substitution":
        return word[:at] + chance.choice([c for c in "aeinrst" if c != word[at].lower()]) + word[at + 1 :]
    if kind == "deletion":
        return word[:at] + word[at + 1 :]
    if kind == "insertion":
        return word[:at] + chance.choice("aeinrst") + word[at:]
    if kind == "doubled":
        return word[:at] + word[at] + word[at:]
    return None if word[at] == word[at + 1] else word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def wide_digits(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def title_halves(who: Who) -> list[str]:
    return who.last.split("-")


Make = Callable[[Who, random.Random], str | None]


def _latin(make: Callable[[str, str, Who], str | None]) -> Make:
    return lambda who, _: None if who.wide else make(who.first, who.last, who)


VARIANTS: dict[str, Make] = {
    "exact": lambda w, _: w.full(),
    "lower": lambda w, _: w.full().lower(),
    "UPPER": lambda w, _: w.full().upper() if "ß" not in w.last else None,
    "F. Last": _latin(lambda f, s, w: f"{f[0]}. {s}"),
    "F Last": _latin(lambda f, s, w: f"{f[0]} {s}"),
    "F.Last": _latin(lambda f, s, w: f"{f[0]}.{s}"),
    "First L.": _latin(lambda f, s, w: f"{f} {s[0].upper()}."),
    "Last, First": _latin(lambda f, s, w: f"{s}, {f}"),
    "Last, F.": _latin(lambda f, s, w: f"{s}, {f[0]}."),
    "LAST First": _latin(lambda f, s, w: f"{s.upper()} {f}" if "ß" not in s else None),
    "last alone": lambda w, _: w.last,
    "first alone": lambda w, _: w.first,
    "initials, signed": _latin(lambda f, s, w: f"signed, {f[0]}.{s.split()[-1][0].upper()}."),
    "no diacritics": _latin(lambda f, s, w: ascii_of(f"{f} {s}")),
    "transliterated": _latin(lambda f, s, w: ascii_of("".join(TWO.get(c, c) for c in f"{f} {s}"))),
    "url %20": lambda w, _: quote(w.full()),
    "url +": lambda w, _: quote_plus(w.full()),
    "json \\u": lambda w, _: json.dumps(w.full())[1:-1],
    "json \\u twice": lambda w, _: json.dumps(json.dumps(w.full()))[3:-3],
    "html entities": lambda w, _: "".join(f"&#{ord(c)};" if ord(c) > 127 else html.escape(c) for c in w.full()),
    "zero width inside": lambda w, _: w.full()[:1] + "\u200b" + w.full()[1:-2] + "\u200d" + w.full()[-2:],
    "NFD": lambda w, _: unicodedata.normalize("NFD", w.full()),
    "full width": _latin(lambda f, s, w: wide_digits(ascii_of(f"{f} {s}"))),
    "no-break space": _latin(lambda f, s, w: f"{f}\u00a0{s}"),
    "possessive": _latin(lambda f, s, w: f"{f} {s}\u2019s"),
    "last possessive": _latin(lambda f, s, w: f"{s}'s"),
    "last genitive s": _latin(lambda f, s, w: f"{s}s" if s[-1] not in "sxzß" else f"{s}'"),
    "suffix in": _latin(lambda f, s, w: f"{f} {s}in" if s[-1] not in "aeiouy" and len(s) > 4 else None),
    "suffix ova": _latin(lambda f, s, w: f"{s}ova" if s[-1] not in "aeiouyáéíóúý" and len(s) > 4 else None),
    "apostrophe in": _latin(lambda f, s, w: f"{s}'in"),
    "typo substitution, last": lambda w, r: _typo_last(w, "substitution", r),
    "typo deletion, last": lambda w, r: _typo_last(w, "deletion", r),
    "typo insertion, last": lambda w, r: _typo_last(w, "insertion", r),
    "typo transposition, last": lambda w, r: _typo_last(w, "transposition", r),
    "doubled letter, last": lambda w, r: _typo_last(w, "doubled", r),
    "typo, last alone": lambda w, r: None if w.wide or len(w.last) < 6 else typo(w.last, r.choice(["substitution", "deletion", "insertion", "transposition"]), r),
    "typo, first": lambda w, r: None if w.wide or (t := typo(w.first, r.choice(["substitution", "deletion", "insertion", "transposition"]), r)) is None else f"{t} {w.last}",
    "typo, both": lambda w, r: None if w.wide or len(w.last) < 6 or (t := typo(w.first, "deletion", r)) is None or (u := typo(w.last, "substitution", r)) is None else f"{t} {u}",
    "typo, F. Last": lambda w, r: None if w.wide or (u := typo(w.last, "deletion", r)) is None else f"{w.first[0]}. {u}",
    "half of double last": _latin(lambda f, s, w: f"{f} {s.split('-')[0]}" if "-" in s and s[2] != "-" else None),
    "half of double first": _latin(lambda f, s, w: f"{f.split('-')[0]} {s}" if "-" in f else None),
    "hyphen to space": _latin(lambda f, s, w: f"{f} {s}".replace("-", " ") if "-" in f + s else None),
    "hyphen dropped": _latin(lambda f, s, w: f"{f} {s}".replace("-", "") if "-" in f + s else None),
    "apostrophe dropped": _latin(lambda f, s, w: f"{f} {s}".replace("\u2019", "") if "\u2019" in s else None),
    "apostrophe to space": _latin(lambda f, s, w: f"{f} {s}".replace("\u2019", " ") if "\u2019" in s else None),
    "Mc apart": _latin(lambda f, s, w: f"{f} {s.replace('Mc', 'Mc ')}" if "Mc" in s else None),
    "without particles": _latin(lambda f, s, w: f"{f} {s.split()[-1]}" if " " in s else None),
    "middle initial": _latin(lambda f, s, w: f"{f} K. {s}"),
    "middle name": _latin(lambda f, s, w: f"{f} Karl {s}"),
    "title": _latin(lambda f, s, w: f"Prof. Dr. {s}"),
    "nickname": _latin(lambda f, s, w: f"{NICK[f]} {s}" if f in NICK else None),
    "camelCase": _latin(lambda f, s, w: re.sub(r"[^A-Za-z]", "", ascii_of(f)).lower() + re.sub(r"[^A-Za-z]", "", ascii_of(s).title())),
    "inCamelCase": _latin(lambda f, s, w: "get" + re.sub(r"[^A-Za-z]", "", ascii_of(f)).title() + re.sub(r"[^A-Za-z]", "", ascii_of(s)).title() + "Answer"),
    "snake_case": _latin(lambda f, s, w: ascii_of(f"{f}_{s}").lower().replace(" ", "_").replace("\u2019", "")),
    "joined": _latin(lambda f, s, w: re.sub(r"[^a-z]", "", ascii_of(f + s).lower())),
    "flast": _latin(lambda f, s, w: re.sub(r"[^a-z]", "", ascii_of(f[0] + s).lower()) if len(s) > 4 else None),
    "lastf": _latin(lambda f, s, w: re.sub(r"[^a-z]", "", ascii_of(s + f[0]).lower()) if len(s) > 4 else None),
    "in URL": _latin(lambda f, s, w: "https://x.org/users/" + re.sub(r"[^a-z-]", "-", ascii_of(f"{f}-{s}").lower()) + "/7"),
    "in path": _latin(lambda f, s, w: f"/home/{re.sub('[^a-z]', '', ascii_of(s).lower())}/{re.sub('[^a-z]', '', ascii_of(f).lower())}_answer.pdf" if len(s) > 4 and len(f) > 3 else None),
    "base64": lambda w, _: base64.b64encode(w.full().encode()).decode(),
    "base64url in URL": lambda w, _: f"https://x.org/u/{b64(w.full())}/edit",
    "hex": lambda w, _: w.full().encode().hex() if not w.wide else None,
    "line break": _latin(lambda f, s, w: f"{f}\n    {s}"),
    "hyphenated at line end": _latin(lambda f, s, w: f"{f} {s[: len(s) // 2]}-\n{s[len(s) // 2 :]}" if len(s) > 6 and s.isalpha() else None),
    "spaced letters": _latin(lambda f, s, w: f"{' '.join(f)}   {' '.join(s)}" if f.isalpha() and s.isalpha() and len(f) > 2 and len(s) > 2 else None),
    "json object": lambda w, _: json.dumps({"first": w.first, "last": w.last}, ensure_ascii=False),
    "json array": lambda w, _: json.dumps([w.first, w.last]),
    "e-mail": lambda w, _: w.email,
    "E-MAIL": lambda w, _: w.email.upper(),
    "e-mail tag": lambda w, _: w.email.replace("@", "+exam2@"),
    "e-mail obfuscated": lambda w, _: w.email.replace("@", " (at) "),
    "e-mail local": lambda w, _: w.email.split("@")[0],
    "e-mail local, spaces": lambda w, _: w.email.split("@")[0].replace(".", " "),
    "e-mail local, no dots": lambda w, _: w.email.split("@")[0].replace(".", ""),
    "handle": lambda w, _: w.handle,
    "@handle": lambda w, _: f"@{w.handle}",
    "handle in URL": lambda w, _: f"https://github.com/{w.handle}/work",
    "phone exact": lambda w, _: w.phone,
    "phone national": lambda w, _: "0" + w.phone[4:],
    "phone grouped": lambda w, _: re.sub(r"(\d\d)(?=\d)", r"\1 ", w.phone),
    "phone 0049": lambda w, _: "0049" + re.sub(r"\D", "", w.phone)[2:],
    "phone dashes": lambda w, _: "+49 (0)" + w.phone[4:].replace(" ", "-"),
    "phone, no prefix": lambda w, _: w.phone.split()[2],
    "dob exact": lambda w, _: w.born.isoformat(),
    "dob dots": lambda w, _: w.born.strftime("%d.%m.%Y"),
    "dob short dots": lambda w, _: f"{w.born.day}.{w.born.month}.{w.born.year % 100:02}",
    "dob slashes": lambda w, _: w.born.strftime("%d/%m/%Y"),
    "dob US": lambda w, _: w.born.strftime("%m/%d/%Y"),
    "dob D Month": lambda w, _: f"{w.born.day} {MONTHS[w.born.month - 1]} {w.born.year}",
    "dob Month D": lambda w, _: f"{MONTHS[w.born.month - 1]} {w.born.day}{_ordinal(w.born.day)}, {w.born.year}",
    "dob Mon D": lambda w, _: f"{MONTHS[w.born.month - 1][:3]} {w.born.day}, {w.born.year}",
    "dob German": lambda w, _: f"{w.born.day}. {_german(w.born)} {w.born.year}",
    "dob digits": lambda w, _: w.born.strftime("%Y%m%d"),
    "address": lambda w, _: w.address,
    "address street": lambda w, _: w.address.split(",")[0],
    "address abbreviated": lambda w, _: w.address.split(",")[0].replace("Street", "St.").replace("Road", "Rd").replace("Avenue", "Ave").replace("Lane", "Ln").replace("straße", "str."),
    "address lines": lambda w, _: w.address.replace(", ", "\n").lower(),
    "address ss": lambda w, _: w.address.split(",")[0].replace("ß", "ss"),
    "id": lambda w, _: w.id,
    "id, no separators": lambda w, _: w.id.replace("-", ""),
    "id, other separators": lambda w, _: w.id.replace("-", "/").lower(),
}  # fmt: skip


def _typo_last(who: Who, kind: str, chance: random.Random) -> str | None:
    if who.wide:
        return None
    wrong = typo(who.last, kind, chance)
    return f"{who.first} {wrong}" if wrong else None


def _ordinal(day: int) -> str:
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _german(born: date) -> str:
    return [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ][born.month - 1]


IGNORED = {
    "title": "Prof. Dr. ", "initials, signed": "signed, ", "in URL": "https://x.org/users/", "base64url in URL": "https://x.org/u/",
    "handle in URL": "https://github.com/", "inCamelCase": "get", "in path": "/home/", "@handle": "@",
}  # fmt: skip
BEHIND = {
    "in URL": "/7",
    "base64url in URL": "/edit",
    "inCamelCase": "Answer",
    "in path": "_answer.pdf",
    "handle in URL": "/work",
}
KEYS = {"json object": ('"first"', '"last"')}


def covered(text: str, start: int, end: int, spans: list[tuple[int, int]], ignored: set[int]) -> bool:
    seen = set()
    for first, last in spans:
        seen.update(range(first, last))
    return all(at in seen or not text[at].isalnum() or at in ignored for at in range(start, end))


def variants(count: int, show: str | None, *, native: bool = True) -> None:
    chance = random.Random(7)
    known_people = KnownPeople(Pseudonymizer(b"k" * 32), native=native)
    detectors = Detectors(PROFILES["standard"], native=native)
    alone: dict[str, list[bool]] = {name: [] for name in VARIANTS}
    layers: dict[str, list[bool]] = {name: [] for name in VARIANTS}
    for who in people(count):
        searched = known_people.compiled(merged(people_in(who.known())))
        for name, make in VARIANTS.items():
            mention = make(who, chance)
            if not mention:
                continue
            frame = chance.choice(FRAMES)
            text = frame.format(mention)
            start = text.index(mention)
            end = start + len(mention)
            ignored = _ignored(name, text, start, end)
            spans: list[tuple[int, int]] = []
            others: list[tuple[int, int]] = []
            for view in views(text, native=native):
                found = [finding for one in searched for finding in one.find(view)]
                spans += [view.to_source(finding.start, finding.end) for finding in found]
                others += [view.to_source(finding.start, finding.end) for finding in detectors.find(view)]
            alone[name].append(covered(text, start, end, spans, ignored))
            layers[name].append(covered(text, start, end, spans + others, ignored))
            if not alone[name][-1] and show in {name, "ALL"}:
                print(f"  missed {name}: {who.full()!r} in {text!r} {[text[a:b] for a, b in spans]}")
    print(f"{'variant':26} {'mentions':>8} {'known':>6} {'+detectors':>10}")
    shares, together = [], []
    for name, seen in alone.items():
        if seen:
            shares.append(sum(seen) / len(seen))
            together.append(sum(layers[name]) / len(seen))
            print(f"{name:26} {len(seen):8} {shares[-1]:6.3f} {together[-1]:10.3f}")
    mean, both = sum(shares) / len(shares), sum(together) / len(together)
    print(f"mean over {len(shares)} variants: {mean:.4f}; with detectors {both:.4f}")


def _ignored(name: str, text: str, start: int, end: int) -> set[int]:
    ignored: set[int] = set()
    if name in IGNORED:
        ignored |= set(range(start, start + len(IGNORED[name])))
    if name in BEHIND:
        ignored |= set(range(end - len(BEHIND[name]), end))
    for key in KEYS.get(name, ()):
        at = text.index(key)
        ignored |= set(range(at, at + len(key)))
    if name == "title":
        ignored |= set(range(start, start + 10))
    if "json" in name or "html" in name or "apostrophe in" in name:
        # The escape's own letters belong to a character that is covered as a whole or not at all.
        ignored |= set(range(end - 2, end)) if name == "apostrophe in" else set()
    return ignored


def rows(name: str) -> list[dict[str, str]]:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def real_texts() -> list[str]:
    keys = ("question", "reference_answer", "student_answer", "expert_feedback")
    texts = {row[key] for row in rows("shortanswers") for key in keys} | {row["text"] for row in rows("casestudies")}
    return sorted(texts)


def alarms(count: int, show: str | None) -> None:
    texts = real_texts()
    characters = sum(map(len, texts))
    known_people = KnownPeople(Pseudonymizer(b"k" * 32))
    readings = [list(views(text)) for text in texts]
    crowd = people(count)
    names = [(who.full(), who) for who in crowd]
    hits: dict[str, int] = {}
    for name, who in names:
        searched = known_people.compiled(merged(people_in(who.known())))
        for reading in readings:
            for view in reading:
                for finding in (finding for one in searched for finding in one.find(view)):
                    part = view.text[finding.start : finding.end]
                    hits[f"{name}: {part} [{finding.rule}]"] = hits.get(f"{name}: {part} [{finding.rule}]", 0) + 1
                    if show == "alarms":
                        print(
                            f"  {name}: {view.text[max(0, finding.start - 40) : finding.end + 30]!r} [{finding.rule}]"
                        )
    total = sum(hits.values())
    print(
        f"{len(names)} people, {characters} characters: {total} findings = {total / len(names) / characters * 1e5:.4f} per person and 100,000 characters"
    )
    for label, number in sorted(hits.items(), key=lambda item: -item[1])[:30]:
        print(f"  {number:4} {label}")


def speed() -> None:
    blob = " ".join(real_texts()) or "TCP is reliable. " * 60_000
    texts = [blob[at : at + 2_000] for at in range(0, 400_000, 2_000)]
    for native in (True, False):
        known_people = KnownPeople(Pseudonymizer(b"k" * 32), native=native)
        read = [view for text in texts for view in list(views(text, native=native))[:1]]
        for view in read:
            view.low.isascii()  # the detectors need it as well
        for count in (1, 10, 200):
            crowd = [person for who in people(count) for person in merged(people_in(who.known()))]
            begin = time.thread_time()
            searched = known_people.compiled(crowd)
            compiling = time.thread_time() - begin
            for view in read[:50]:
                [list(one.find(view)) for one in searched]
            begin = time.thread_time()
            for view in read:
                [list(one.find(view)) for one in searched]
            spent = (time.thread_time() - begin) / len(read)
            engine = "re2" if native else "re"
            print(
                f"{engine:3} {count:3} people: {spent * 1e6:7.1f} µs per 2 KB, {2e-3 / spent:6.1f} MB/s, compiled in {compiling * 1e3:.1f} ms"
            )


def main() -> None:
    arguments = sys.argv[1:]
    show = arguments[arguments.index("--show") + 1] if "--show" in arguments else None
    count = int(arguments[arguments.index("--people") + 1]) if "--people" in arguments else 400
    wanted = {name for name in arguments if name in {"variants", "alarms", "speed"}} or {"variants", "alarms", "speed"}
    if "variants" in wanted:
        variants(count, show, native="--re" not in arguments)
    if "alarms" in wanted:
        alarms(count, show)
    if "speed" in wanted:
        speed()


if __name__ == "__main__":
    main()
