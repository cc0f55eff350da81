"""Texts with the places of people in them: the labelled data, renewed with other names, and rendered templates."""

import gzip
import json
import random
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from naming import templates, words
from naming.people import Crowd, Person

Span = tuple[int, int]


@dataclass
class Sample:
    """One text with the places of people."""

    text: str
    spans: list[Span]
    group: str
    """Texts of one group share a template, a document or a question; they are never on both sides of a split."""
    kind: str
    weight: float = 1.0
    hidden: list[Span] = field(default_factory=list)
    """Places whose label is not trusted."""
    others: list[Span] = field(default_factory=list)
    """Other personal data: a name found there is no false alarm."""


def rows(folder: Path, name: str) -> list[dict]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def fold(group: str, folds: int) -> int:
    """Return the fold of a group, the same in every run."""
    return zlib.crc32(group.encode()) % folds


def _template_of(row: dict) -> str:
    """Return the words of a rendered template that stay when its spans and numbers change."""
    text = row["text"]
    for span in sorted(row["spans"], key=lambda span: -span["start"]):
        text = text[: span["start"]] + "#" + text[span["end"] :]
    return " ".join(re.sub(r"\d+|#", "#", text).split()[:4])


def people_in(row: dict) -> list[Span]:
    return sorted((span["start"], span["end"]) for span in row["spans"] if span["type"] == "PERSON")


def _handles(text: str, spans: list[Span]) -> tuple[list[Span], list[Span]]:
    """Part people from handles, which are found by their form."""
    kept, hidden = [], []
    for start, end in spans:
        before = text[:start].rstrip()
        is_handle = before.endswith(("@", "#")) or text[start] in "@#" or "_" in text[start:end]
        (hidden if is_handle else kept).append((start, end))
    return kept, hidden


_SPACED = re.compile(r" (?=[,.;:!?)\]\u2019\u201d]|'s|n't|'[a-z]|\u2019 s)|(?<=[(\[\u201c]) ")


def unspaced(sample: Sample) -> Sample:
    """Return a text of separated tokens as people write it."""
    cuts = [match.start() for match in _SPACED.finditer(sample.text)]
    if not cuts:
        return sample
    moved, parts, last, at = {}, [], 0, 0
    gone = 0
    for place in range(len(sample.text) + 1):
        moved[place] = place - gone
        if at < len(cuts) and cuts[at] == place:
            parts.append(sample.text[last:place])
            last, at, gone = place + 1, at + 1, gone + 1
    parts.append(sample.text[last:])
    return Sample(
        "".join(parts), [(moved[start], moved[end]) for start, end in sample.spans], sample.group, sample.kind,
        sample.weight, [(moved[start], moved[end]) for start, end in sample.hidden],
    )  # fmt: skip


def prose(folder: Path) -> Iterator[Sample]:
    """Yield the openly licensed corpora of prose and short messages."""
    for row in rows(folder, "person_train"):
        kind = row["source"].split()[0]
        spans, hidden = _handles(row["text"], people_in(row))
        sample = Sample(
            row["text"], spans, row["source"] if kind in {"GUM", "LitBank"} else row["text"][:40], kind, 1.0, hidden
        )
        yield unspaced(sample) if kind == "LitBank" else sample


def development(folder: Path) -> Iterator[Sample]:
    """Yield the rows of the development set in which people are labelled."""
    for row in rows(folder, "pii_dev"):
        if row["annotated"] != ["*"] and "PERSON" not in row["annotated"]:
            continue
        source = row["source"].split()[0]
        group = _template_of(row) if source == "certtrace-domain" else row["source"]
        if source == "WNUT17":
            group = row["text"][:40]
        kind = {
            "certtrace-domain": "cert", "presidio-research/synth_dataset_v2": "presidio", "GUM": "GUM-dev", "WNUT17": "WNUT-dev",
            "architecture-katas-2025": "kata",
        }.get(source, "other")  # fmt: skip
        others = [(span["start"], span["end"]) for span in row["spans"] if span["type"] != "PERSON"]
        yield Sample(row["text"], people_in(row), group, kind, others=others)


def answers(folder: Path) -> Iterator[Sample]:
    """Yield real answers and case studies: they name nobody."""
    seen = set()
    for row in rows(folder, "shortanswers"):
        for key in ("question", "reference_answer", "student_answer", "expert_feedback"):
            text = row[key]
            if text and text not in seen:
                seen.add(text)
                yield Sample(text, [], row["question_id"], "shortanswers")
    for row in rows(folder, "casestudies"):
        for start in range(0, len(row["text"]), 4000):
            yield Sample(row["text"][start : start + 4000], [], row["id"], "casestudies")


_THINGS = {
    "it",
    "the system",
    "the service",
    "the protocol",
    "the server",
    "the database",
    "the network",
    "the method",
    "the approach",
    "the model",
}
_STANDINS = re.compile(
    r"\b(?:he|she|him|his|(?:the|a) (?:candidate|student|user|expert|grader|architect|examiner|reviewer|administrator|customer|developer"
    r"|man|woman|boy|girl|old man|lady|gentleman|doctor|player|minister|singer|author|officer|traveler)|it"
    r"|the (?:system|service|protocol|server|database|network|method|approach|model))\b(?!['-])",
    re.IGNORECASE,
)

_PLACE = re.compile(r"\{([A-Za-z]\w*)(?:\.(\w+))?\}")


_VOCABULARY = {
    "tech", "law", "pattern", "heading", "city", "country", "nation", "starter", "org", "upper", "title", "common", "code", "secret", "made"
}  # fmt: skip


class Writer:
    """Renders templates; the same seed writes the same."""

    def __init__(self, crowd: Crowd, chance: random.Random, ordinary: list[str]) -> None:
        self._crowd = crowd
        self._chance = chance
        self._ordinary = ordinary
        self._named = [
            (line, weight)
            for block, weight in (
                (templates.ANSWERS, 1.2), (templates.FEEDBACK, 1.4), (templates.MACHINES, 1.2), (templates.TALK, 1.0)
            )
            for line in templates.lines(block)
        ]  # fmt: skip
        self._nameless = templates.lines(templates.NOTHING)

    def _slot(self, name: str, person: Person) -> str:
        chance = self._chance
        base = name.rstrip("0123456789")
        if base in _VOCABULARY:
            return self._vocabulary(base)
        local = (
            re.sub(r"[^a-z]", "", person.first.lower())
            + chance.choice([".", "_", "", "-"])
            + re.sub(r"[^a-z]", "", person.last.lower())
        )
        made = {
            "n": str(chance.choice([chance.randint(0, 10), chance.randint(0, 100), chance.randint(0, 9999)])),
            "year": str(chance.randint(1950, 2027)),
            "date": chance.choice(["2026-0{}-1{}", "1{}.0{}.2026", "{}/1{}/2026", "{} May 202{}"]).format(chance.randint(1, 9), chance.randint(0, 9)),
            "time": f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}",
            "id": chance.choice(["CA-2025-{}", "CAND{}", "candidate-{}", "{}"]).format(chance.randint(1000, 99999)),
            "hex": f"{chance.getrandbits(40):010x}",
            "ip": f"10.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}",
            "phone": f"+{chance.randint(1, 99)} {chance.randint(100, 999)} {chance.randint(1000, 999999)}",
            "mail": f"{local or 'user'}@{chance.choice(['example.com', 'mail.example.org', 'uni-example.edu', 'acme.io'])}",
            "user": f"{local or 'user'}{chance.choice(['', '7', '84'])}",
            "weekday": chance.choice("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()),
            "month": chance.choice("January February March April May June July August September October November December".split()),
            "role": chance.choice(templates.ROLES),
            "word": chance.choice(templates.COMMON),
        }  # fmt: skip
        return made[base]

    def _vocabulary(self, base: str) -> str:
        chance = self._chance
        if base == "org":
            return self._company()
        if base == "tech" and chance.random() < 0.06:
            return self._invention()
        if base == "tech":
            return chance.choice(words.PRODUCTS) if chance.random() < 0.8 else chance.choice(words.PATTERNS)
        if base == "upper":
            return chance.choice(words.STARTERS + templates.COMMON).upper()
        if base == "title":
            count = chance.choice([1, 1, 2, 2, 3])
            return " ".join(chance.choice(self._ordinary).capitalize() for _ in range(count))
        if base == "common":
            return chance.choice(self._ordinary)
        if base == "made":
            return self._invention()
        if base in {"code", "secret"}:
            return self._identifier(base)
        lists = {
            "law": words.LAWS, "pattern": words.PATTERNS, "heading": words.HEADINGS, "city": words.CITIES,
            "country": words.PLACES[:190], "nation": words.PLACES[-70:], "starter": words.STARTERS,
        }  # fmt: skip
        return chance.choice(lists[base])

    def _identifier(self, base: str) -> str:
        chance = self._chance
        if base == "secret":
            signs = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/_-"
            return "".join(chance.choice(signs) for _ in range(chance.randint(8, 40)))
        parts = [chance.choice(self._ordinary) for _ in range(chance.choice([1, 2, 2, 3]))]
        style = chance.choice(["_", "-", ".", "Camel", "camel", "UPPER"])
        if style == "UPPER":
            return "_".join(parts).upper()
        if style in {"Camel", "camel"}:
            text = "".join(part.capitalize() for part in parts)
            return text if style == "Camel" else text[0].lower() + text[1:]
        return style.join(parts)

    def _invention(self) -> str:
        """Return a product that nobody has listed."""
        chance = self._chance
        one, two = chance.choice(self._ordinary), chance.choice(self._ordinary)
        end = chance.choice("ly ify io DB MQ AI Hub Flow Kit Ops Base us is a er ix on um et".split())
        name = chance.choice([one[:5] + end, one + end, one + two.capitalize(), one[:3] + two[-3:], one[:4] + two[-2:]])
        return name[0].upper() + name[1:]

    def _company(self) -> str:
        chance = self._chance
        person = self._crowd.one()
        head = chance.choice(
            [chance.choice(words.COMPANIES), chance.choice(words.CITIES), person.last, chance.choice(words.COMPANIES)]
        )
        return chance.choice([
            f"{head} {chance.choice(words.COMPANY_ENDS)}", f"{head} {chance.choice(words.COMPANIES)}", f"{person.last}-{self._crowd.one().last}",
            f"{person.last}, {self._crowd.one().last} and {self._crowd.one().last}", head + chance.choice(["ify", "soft", "tech", "ly"]),
        ])  # fmt: skip

    def _person(self, person: Person, form: str) -> tuple[str, str]:
        """Return the name in a form and what stands behind it."""
        chance = self._chance
        if form == "poss":
            name = person.form(chance.choices(["full", "first", "last"], [4, 3, 3])[0], chance)
            return name, chance.choice(["'s", "'s", "'s", "\u2019s"]) if name[-1] not in "sz" else chance.choice(
                ["'", "'s"]
            )
        if form == "any":
            return person.form(chance.choices(["full", "first", "last", "initial"], [40, 30, 24, 6])[0], chance), ""
        if not form:
            roll = chance.random()
            form = (
                "upper"
                if roll < 0.04
                else "lower"
                if roll < 0.06
                else "backward"
                if roll < 0.08
                else "comma"
                if roll < 0.1
                else "full"
            )
        elif form == "initial" and chance.random() < 0.25:
            form = "initials"
        return person.form(form, chance), ""

    def render(self, template: str) -> tuple[str, list[Span]]:
        """Fill the places of a template."""
        cast = {letter: self._crowd.one() for letter in "ABC"}
        text, spans, last = "", [], 0
        for match in _PLACE.finditer(template):
            text += template[last : match.start()]
            last = match.end()
            if match[1] in cast:
                name, behind = self._person(cast[match[1]], match[2] or "")
                spans.append((len(text), len(text) + len(name)))
                text += name + behind
            else:
                text += self._slot(match[1], cast["A"])
        return text + template[last:], spans

    def sample(self, number: int) -> Sample:
        """Write one text of one to four rendered templates."""
        chance = self._chance
        text, spans = "", []
        share = chance.choice([0.0, 0.45, 0.7, 1.0])
        for _ in range(chance.choice([1, 1, 1, 2, 2, 3, 4])):
            if chance.random() < share:
                template = chance.choices([line for line, _ in self._named], [weight for _, weight in self._named])[0]
            else:
                template = chance.choice(self._nameless)
            more, places = self.render(template)
            if text:
                text += chance.choice([" ", " ", "\n", "\n\n", "\n- "])
            spans += [(start + len(text), end + len(text)) for start, end in places]
            text += more
        return changed(Sample(text, spans, f"written-{number}", "written"), chance)

    def renewed(self, sample: Sample) -> Sample:
        """Return a sample with other people in it, each in the form of the one before."""
        text, spans, last = "", [], 0
        known: dict[str, Person] = {}
        for start, end in sample.spans:
            if start < last:
                continue
            old = sample.text[start:end]
            name = self._like(old, known.setdefault(old, self._crowd.one()))
            text += sample.text[last:start]
            spans.append((len(text), len(text) + len(name)))
            text += name
            last = end
        return Sample(text + sample.text[last:], spans, sample.group, sample.kind, sample.weight)

    def peopled(self, sample: Sample) -> Sample:
        """Return a sample in which names stand where it says he, she or the candidate, and products where it says it."""
        chance = self._chance
        text, last = "", 0
        moves: list[tuple[int, int]] = [(0, 0)]
        added: list[Span] = []
        taken = sorted(sample.spans + sample.hidden + sample.others)
        for match in _STANDINS.finditer(sample.text):
            if chance.random() > 0.45 or any(start < match.end() and match.start() < end for start, end in taken):
                continue
            word = match[0].casefold()
            is_person = word not in _THINGS
            if is_person:
                person = self._crowd.one()
                name = person.form(chance.choices(["first", "full", "last"], [4, 4, 2])[0], chance)
                name += "'s" if word == "his" else ""
            else:
                name = self._vocabulary(chance.choice(["tech", "tech", "pattern", "law", "title"]))
            text += sample.text[last : match.start()]
            if is_person:
                added.append((len(text), len(text) + len(name) - 2 * (word == "his")))
            text += name
            last = match.end()
            moves.append((last, len(text) - last))

        def moved(span: Span) -> Span:
            by = next(by for place, by in reversed(moves) if place <= span[0])
            return span[0] + by, span[1] + by

        return Sample(
            text + sample.text[last:], [moved(span) for span in sample.spans] + added, sample.group, sample.kind,
            sample.weight, [moved(span) for span in sample.hidden],
        )  # fmt: skip

    def _like(self, old: str, person: Person) -> str:
        chance = self._chance
        if "," in old:
            return person.form("comma", chance)
        parts = old.split()
        if len(parts) == 1:
            form = person.form(chance.choice(["first", "last"]), chance)
        elif re.fullmatch(r"\w\.? .*", old):
            form = person.form("initial", chance)
        else:
            form = person.form("full", chance)
        return form.upper() if old.isupper() and len(old) > 3 else form.lower() if old.islower() else form


def changed(sample: Sample, chance: random.Random) -> Sample:
    """Return a sample at times in lower case or in capitals; offsets stay."""
    roll = chance.random()
    text = sample.text.lower() if roll < 0.05 else sample.text.upper() if roll < 0.065 else sample.text
    return sample if len(text) != len(sample.text) else Sample(
        text, sample.spans, sample.group, sample.kind, sample.weight, sample.hidden
    )  # fmt: skip
