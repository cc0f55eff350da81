"""The leak check finds what is planted, in every form, and names it without showing it."""

import base64
import bz2
import gzip
import hashlib
import html
import json
import logging
import lzma
import quopri
import random
import sqlite3
import struct
import unicodedata
import zlib
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import certtrace
from certtrace.errors import ConfigurationError
from certtrace.testing import Leak, assert_no_leaks, find_leaks, leak_check

NAME = "J\u00f6rg M\u00fcller-Wei\u00dfhaupt"
EMOJI = "Ziggy \U0001f600 Stardust"
CARD = "4111 1111 1111 1111"
PHONE = "+49 171 2345678"
CYRILLIC = "\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432"


def escaped_twice(text):
    return json.dumps({"arguments": json.dumps({"who": text})})


def html_numbers(text):
    return "".join(f"&#{ord(character)};" for character in text)


def zero_width(text):
    return "\u200b".join(text)


def varint(number):
    pieces = bytearray()
    while number > 0x7F:
        pieces.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*pieces, number])


def utf8_base64(before):
    return lambda text: base64.b64encode(b"x" * before + text.encode() + b"yz")


FORMS = {
    "plain": str,
    "upper case": str.upper,
    "title and lower case": lambda text: text.lower() + "!",
    "without accents": lambda text: (
        unicodedata.normalize("NFD", text.replace("\u00df", "ss")).encode("ascii", "ignore").decode()
    ),
    "umlauts written out": lambda text: text.replace("\u00f6", "oe").replace("\u00fc", "ue"),
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "latin-1": lambda text: text.encode("latin-1"),
    "JSON": lambda text: json.dumps({"who": text}),
    "JSON in JSON": escaped_twice,
    "JSON in JSON in JSON": lambda text: json.dumps([escaped_twice(text)]),
    "capital JSON escapes": lambda text: json.dumps(text).replace("\\u00f6", "\\u00F6").replace("\\u00fc", "\\u00FC"),
    "python escapes": lambda text: repr(text.encode()),
    "octal escapes": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "braced escapes": lambda text: "".join(f"\\u{{{ord(character):x}}}" for character in text),
    "wide escapes": lambda text: "".join(f"\\U{ord(character):08x}" for character in text),
    "URL": quote,
    "URL with plus": quote_plus,
    "URL, every byte": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "URL in latin-1": lambda text: quote(text, encoding="latin-1"),
    "URL twice": lambda text: quote(quote(text)),
    "URL three times": lambda text: quote(quote(quote(text))),
    "URL in JSON": lambda text: json.dumps({"url": f"https://x.example/?q={quote(text)}"}),
    "JSON in a URL": lambda text: quote(json.dumps({"who": text})),
    "HTML numbers": html_numbers,
    "HTML hexadecimal": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "HTML names": lambda text: text.encode("ascii", "xmlcharrefreplace").decode().replace("&#246;", "&ouml;"),
    "HTML twice": lambda text: html.escape(html_numbers(text)),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 behind 1": utf8_base64(1),
    "base64 behind 2": utf8_base64(2),
    "base64 behind 3": utf8_base64(3),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).rstrip(b"="),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"\xff\xfe>?" + text.encode()),
    "base64 in lines": lambda text: base64.encodebytes(b"a long text comes first, then somebody: " * 3 + text.encode()),
    "base64 in lines in JSON": lambda text: json.dumps(base64.encodebytes(b"somebody " * 9 + text.encode()).decode()),
    "base64 with escaped slashes": lambda text: base64.b64encode(b"\xff" * 9 + text.encode()).replace(b"/", b"\\/"),
    "base64 glued to a word": lambda text: b"token" + base64.b64encode(f"hello, here is {text}".encode()),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps({"who": text}).encode()),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(f"who: {text}".encode())),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")),
    "base64 of gzip": lambda text: base64.b64encode(gzip.compress(json.dumps({"who": text}).encode())),
    "a web token": lambda text: b"eyJhbGciOiJub25lIn0." + base64.urlsafe_b64encode(json.dumps({"n": text}).encode()),
    "base32": lambda text: base64.b32encode(text.encode()),
    "base32 behind 3": lambda text: base64.b32encode(b"abc" + text.encode()).lower(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "hex of JSON": lambda text: json.dumps({"who": text}).encode().hex(),
    "UTF-16 little endian": lambda text: text.encode("utf-16-le"),
    "UTF-16 big endian": lambda text: text.encode("utf-16-be"),
    "UTF-16 in upper case": lambda text: text.upper().encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32-le"),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()),
    "quoted-printable, soft breaks": lambda text: b"=\r\n".join(
        quopri.encodestring(text[start : start + 4].encode()) for start in range(0, len(text), 4)
    ),
    "reversed": lambda text: text[::-1],
    "zero-width characters": zero_width,
    "soft hyphens": lambda text: text.replace("e", "e\u00ad"),
    "another dash": lambda text: text.replace("-", "\u2011"),
    "another space": lambda text: text.replace(" ", "\u00a0"),
    "over two lines": lambda text: text.replace(" ", "\r\n    "[:4]),
    "without spaces": lambda text: text.replace(" ", ""),
    "as an identifier": lambda text: text.replace(" ", "_").replace("-", "_").lower(),
    "wide letters": lambda text: "".join(
        chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text
    ),
    "sha256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "md5 of lower case": lambda text: hashlib.md5(text.lower().encode()).hexdigest(),
    "sha512, cut": lambda text: hashlib.sha512(text.encode()).hexdigest()[:24],
    "sha256 in base64": lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()),
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip in the middle": lambda text: b"\x0a\x99\x01" + gzip.compress(text.encode()) + b"\x12\x03abc",
    "two gzip members": lambda text: gzip.compress(b"nobody") + gzip.compress(text.encode()),
    "gzip, cut off": lambda text: gzip.compress(text.encode() + b" and more words that compress" * 40)[:-12],
    "gzip, damaged": lambda text: gzip.compress(text.encode() + random.Random(1).randbytes(3_000))[:-300] + b"x" * 300,
    "zlib": lambda text: b"..." + zlib.compress(text.encode() * 3),
    "deflate": lambda text: zlib.compress(text.encode() * 9, wbits=-15),
    "bzip2": lambda text: bz2.compress(text.encode()),
    "xz": lambda text: lzma.compress(text.encode()),
    "gzip of gzip": lambda text: gzip.compress(gzip.compress(json.dumps(text).encode())),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found(form):
    written = FORMS[form](NAME)
    data = written.encode() if isinstance(written, str) else written
    for whole in (
        data,
        b"layers isolate change: " + data + b" / and so on",
        b"\x0a\x1f\xc3\x12" + data + b"\x18\x01\xff",
    ):
        leaks = find_leaks({"candidate": NAME}, whole if "gzip" not in form and form != "deflate" else data)
        assert {leak.canary for leak in leaks} == {"candidate"}
        assert NAME not in str(leaks)


@pytest.mark.parametrize("form", FORMS)
def test_somebody_else_is_not_found_in_any_form(form):
    written = FORMS[form]("Bj\u00f6rn M\u00fcller-Wei\u00dfenberg")
    assert find_leaks({"candidate": NAME, "card": CARD}, written) == []


@pytest.mark.parametrize(
    "written",
    [
        "4111111111111111", "4111-1111-1111-1111", "4111.1111.1111.1111", "4111\u20091111\u20091111\u20091111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", '["4111","1111"] 4111%201111%201111%201111',
        b"\x08" + varint(4111111111111111), b"\x19" + struct.pack("<d", 4111111111111111.0),
        struct.pack(">q", 4111111111111111), struct.pack("<q", 4111111111111111), "\u0664111111111111111",
        base64.b64encode(b"card=4111111111111111;"), hashlib.sha1(b"4111 1111 1111 1111").hexdigest(),
        '{"card": 4111111111111111}', "0x000E9B0E4F71C7" + hex(4111111111111111),
    ],
    ids=lambda written: repr(written)[:40].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_a_number_is_found_however_it_is_grouped(written):
    found = find_leaks({"card": CARD}, written)
    assert bool(found) == (not str(written).startswith("0x"))


def test_letters_that_take_two_escapes_and_other_scripts_are_found():
    for canary in (EMOJI, CYRILLIC):
        for form in ("plain", "JSON", "JSON in JSON", "URL", "base64 behind 1", "UTF-16 little endian", "hex"):
            assert find_leaks([canary], FORMS[form](canary))
        assert find_leaks([canary], canary.upper().encode("utf-16-be"))


LAYERS = {
    "JSON": lambda data: json.dumps({"inner": data.decode()}).encode(),
    "URL": lambda data: quote(data).encode(),
    "HTML": lambda data: html_numbers(data.decode()).encode(),
    "base64": base64.b64encode,
    "base64 for URLs, unpadded": lambda data: base64.urlsafe_b64encode(b"ab" + data).rstrip(b"="),
    "base64 in lines": base64.encodebytes,
    "hex": lambda data: data.hex().encode(),
    "quoted-printable": quopri.encodestring,
    "gzip in base64": lambda data: base64.b64encode(gzip.compress(data)),
    "python escapes": lambda data: repr(json.dumps(data.decode()).encode()).encode(),
}
"""Forms that can be put into each other."""


@given(
    before=st.binary(max_size=60),
    behind=st.binary(max_size=60),
    layers=st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=3),
    said=st.text(st.characters(codec="ascii", categories=["L", "Zs"]), max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_what_stands_around_a_value_and_over_it_hides_it(before, behind, layers, said):
    data = f"{said} {NAME} {said}".encode()
    for layer in layers:
        data = LAYERS[layer](data)
    assert find_leaks([NAME], before + b" " + data + b" " + behind)


# --- what is searched ---


def test_bytes_texts_files_folders_and_names_of_files_are_searched(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "one.json").write_text(json.dumps({"who": NAME}))
    (tmp_path / f"{CARD}.txt").write_text("nobody")
    canaries = {"name": NAME, "card": CARD}
    found = find_leaks(canaries, {"report": NAME}, tmp_path, NAME.encode(), [b"x", f"y {NAME}"])
    places = {leak.where for leak in found}
    assert "report, line 1" in places
    assert f"{tmp_path.name}/inner/one.json, $.who" in places
    assert f"{tmp_path.name}, names of files, line 1" in places
    assert not any(CARD in place for place in places)
    with pytest.raises(ConfigurationError, match="is no file and no folder"):
        find_leaks(canaries, tmp_path / "missing")
    with pytest.raises(ConfigurationError, match="int, which cannot be searched"):
        find_leaks(canaries, 7)


def test_a_database_is_searched_cell_by_cell(tmp_path):
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA page_size=512")
        database.execute("CREATE TABLE answers (id INTEGER, text TEXT)")
        database.executemany("INSERT INTO answers VALUES (?, ?)", [(n, "x" * n + NAME + "y" * 90) for n in range(480)])
        database.execute("INSERT INTO answers VALUES (4111111111111111, NULL)")
        database.commit()
    found = find_leaks({"name": NAME, "card": CARD}, path)
    assert Leak("name", "plain", "store.db, table answers, column text, line 1") in found
    assert {leak.canary for leak in found if "column id" in leak.where} == {"card"}


def test_spans_and_attributes_are_named():
    request = ExportTraceServiceRequest()
    opened = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, name="grade")
    opened.attributes.add(key="input").value.string_value = json.dumps({"who": NAME})
    opened.attributes.add(key=NAME).value.int_value = 4111111111111111
    opened.events.add(name="exception").attributes.add(key="message").value.string_value = quote(NAME)
    (opened.status.message, opened.trace_state) = (NAME, f"x={quote(NAME)}")
    found = find_leaks({"name": NAME, "card": CARD}, gzip.compress(request.SerializeToString()))
    assert [str(leak) for leak in found] == [
        "card, binary number, in bytes, span 'grade', attribute <a name that holds a canary>",
        "name, JSON-escaped, in bytes, span 'grade', attribute input",
        "name, URL-encoded, in bytes, span 'grade', event 'exception', attribute message",
        "name, URL-encoded, in bytes, span 'grade', tracestate",
        "name, plain, in bytes, span 'grade', key of an attribute",
        "name, plain, in bytes, span 'grade', status message",
    ]


# --- what a report says ---


def test_a_report_names_canary_form_and_place_and_never_the_value():
    with pytest.raises(AssertionError) as raised:
        assert_no_leaks({"candidate": [NAME, "Wei\u00dfhaupt"], "card": CARD}, {"log": f"x\nhello {NAME.upper()}"})
    message = str(raised.value)
    assert message.startswith("1 canary value left the process:\n  - candidate, in another case, in log, line 2\n")
    assert "Annotated[str, Pii.PERSON]" in message
    assert "identify" in message
    assert "haupt" not in message.lower()


def test_nothing_to_search_is_no_proof():
    assert_no_leaks([NAME], "nobody")
    for empty in ((), ("",), (b"", [])):
        with pytest.raises(AssertionError, match="nothing to search"):
            assert_no_leaks([NAME], *empty)


@pytest.mark.parametrize(
    ("canaries", "problem"),
    [
        ([], "No canary was given"), ({}, "No canary was given"), ("", "has 0 letters"), (["Eve"], "has 3 letters"),
        ({"dob": "1990-1-2"}, "'dob' has 6 digits"), ([7], "is no text but int"), ({"x": [b"Eve Lovelace"]}, "no text"),
    ],
    ids=["empty", "empty mapping", "no text", "short", "few digits", "number", "bytes"],
)  # fmt: skip
def test_canaries_that_prove_nothing_are_refused(canaries, problem):
    with pytest.raises(ConfigurationError, match=problem) as raised:
        find_leaks(canaries, "x")
    assert "Eve" not in str(raised.value)


def test_a_zstd_source_that_cannot_be_read_is_refused_rather_than_passed():
    magic = b"\x28\xb5\x2f\xfd"
    try:
        import zstandard
    except ImportError:
        with pytest.raises(ConfigurationError, match="zstd"):
            find_leaks([NAME], magic + b"\x04\x00\x01\x00\x00")
    else:
        assert find_leaks([NAME], zstandard.ZstdCompressor().compress(NAME.encode()))
    assert find_leaks([NAME], b"in the middle " + magic) == []


@pytest.mark.parametrize(
    "evil", ["\\" * 200_000, "%" * 200_000, "=" * 200_000, "&" * 200_000, "A" * 200_000, "&#" * 99_999]
)
def test_no_input_stalls_the_search(evil):
    assert find_leaks([NAME], evil) == []


def test_compressed_nothing_is_refused_beyond_the_bound(monkeypatch):
    from certtrace.testing import readings

    monkeypatch.setattr(readings, "MAX_BYTES", 1_000_000)
    with pytest.raises(ConfigurationError, match="unfolds to more than"):
        find_leaks([NAME], gzip.compress(b"\0" * 5_000_000))


# --- the check around code ---


@dataclass
class Candidate:
    name: Annotated[str, certtrace.Pii.PERSON]


@certtrace.traced
def grade(candidate, answer):
    certtrace.current_span().score("grade", 0.5, comment=answer)
    return answer


def test_a_declared_value_passes_the_check():
    with leak_check({"candidate": [NAME, "Wei\u00dfhaupt"]}, redaction_profile="standard") as check:
        grade(Candidate(NAME), f"by {NAME}")
    assert check.spans[0].name == "grade"


def test_a_value_that_nobody_declared_fails_the_check_with_its_places():
    value = "the blue heron of room twelve"
    with pytest.raises(AssertionError) as raised, leak_check({"answer": value}):
        grade(None, value)
    message = str(raised.value)
    assert "answer, plain, in request 1 (POST /api/public/otel/v1/traces), body, span 'grade', attribute" in message
    assert "(POST /api/public/scores), body, $[0].comment" in message
    assert "data folder/store.db, table observations" in message
    assert value not in message


def test_the_log_and_what_is_added_are_searched():
    with pytest.raises(AssertionError) as raised, leak_check({"answer": "the blue heron"}) as check:
        grade(None, "nothing")
        logging.getLogger("certtrace.custom").debug("seen: the blue heron")
        check.add("report", json.dumps({"who": "the blue heron"}))
    assert "  - answer, plain, in log, line 1\n  - answer, plain, in report, $.who\n" in str(raised.value)
    assert "the blue heron" not in str(raised.value)


def test_the_check_does_not_pass_when_it_proves_nothing():
    with pytest.raises(AssertionError, match="Nothing was recorded"), leak_check([NAME]):
        pass
    nothing = pytest.raises(AssertionError, match="Nothing was recorded")
    with nothing, leak_check([NAME], sample_rate=0.0), certtrace.span("dropped"):
        pass
    with pytest.raises(AssertionError, match="No canary was planted"), leak_check():
        grade(None, "x")
    with pytest.raises(ConfigurationError, match="home cannot be given"), leak_check([NAME], home="x"):
        pass


def test_an_error_of_the_code_inside_is_not_replaced():
    with pytest.raises(ZeroDivisionError), leak_check({"answer": "the blue heron"}):
        grade(None, "the blue heron")
        _ = 1 / 0


def test_what_ran_before_runs_again(certtrace_spans):
    with leak_check([NAME]):
        grade(None, "inner")
    grade(None, "outer")
    assert [span.output for span in certtrace_spans.named("grade")] == ["outer"]


def test_leaks_can_be_asked_for_on_the_way():
    with leak_check() as check:
        check.plant({"candidate": NAME})
        grade(Candidate(NAME), "first")
        assert check.leaks() == []
        check.assert_none()


def test_the_fixture_checks_when_the_test_is_over(certtrace_leaks):
    certtrace_leaks.plant({"candidate": NAME})
    grade(Candidate(NAME), f"by {NAME}")


pytest_plugins = ["pytester"]


def test_the_fixture_fails_a_test_that_leaks(pytester):
    pytester.makepyfile(
        """
        import certtrace

        @certtrace.traced
        def say(text):
            return text

        def test_leaks(certtrace_leaks):
            certtrace_leaks.plant({"answer": "the blue " + "heron"})
            say("the blue " + "heron")

        def test_holds(certtrace_leaks):
            certtrace_leaks.plant({"answer": "the blue " + "heron"})
            say("nothing")
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*1 canary value left the process:*", "*answer, plain, in *"])
    result.stdout.no_fnmatch_line("*the blue heron*")
