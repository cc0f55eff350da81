"""Binary content in texts and messages: described, never sent."""

import base64
import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.ports import ModelValue
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.structure.binary import Binary

NOISE = random.Random(7).randbytes(4_000)
BLOB = base64.b64encode(NOISE).decode()
SMALL = base64.b64encode(NOISE[:60]).decode()


def shown(value):
    return Redactor(RedactionPolicy(), b"k" * 32).redact_value(value)[0]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_show_only_their_size(kind):
    assert shown({"raw": kind(b"\x00abc")}) == {"raw": "<bytes 4>"}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("describe", "<bytes 3>"), ("hash", "<bytes 3, h3>"), ("drop", "<bytes>")],
    ids=["describe", "hash", "drop"],
)
def test_the_mode_decides_what_is_told(mode, expected):
    assert Binary(mode, lambda data: f"h{len(data)}").content(b"abc") == expected


def test_the_hash_is_of_the_content_and_not_of_its_spelling():
    binary = Binary("hash", lambda data: data.hex())
    plain = binary.text("data:text/plain,ab%20c")
    assert plain == f"<data uri text/plain, 4 bytes, {b'ab c'.hex()}>"
    assert b"ab c".hex() in binary.text(f"data:;base64,{base64.b64encode(b'ab c').decode()}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"see data:image/png;base64,{SMALL} here", "see <data uri image/png, 60 bytes> here"),
        (f'<img src="data:image/png;base64,{SMALL}">', '<img src="<data uri image/png, 60 bytes>">'),
        (f"![x](data:image/svg+xml;charset=utf-8;base64,{SMALL})", "![x](<data uri image/svg+xml, 60 bytes>)"),
        ("data:image/svg+xml,%3Csvg%3E", "<data uri image/svg+xml, 5 bytes>"),
        ("data:,Jane%20Doe", "<data uri text/plain, 8 bytes>"),
        ("data:text/plain,Jane%20Doe", "<data uri text/plain, 8 bytes>"),
    ],
    ids=["base64", "html", "markdown", "svg", "bare", "text"],
)
def test_data_uris_are_described(text, expected):
    assert Binary().text(text) == expected


@pytest.mark.parametrize("text", ["the data: one, two", "data:,x", "metadata:a,b", "data: text/plain, x"])
def test_prose_about_data_stays(text):
    assert Binary().text(text) is text


def test_a_data_uri_of_text_stays_when_its_text_is_harmless():
    binary = Binary()
    assert binary.text("data:text/plain,Hello%20you", lambda text: text) == "data:text/plain,Hello%20you"
    assert binary.text("data:text/plain,Jane%20Doe", lambda text: text.replace("Jane", "<x>")).startswith("<data uri")


def test_personal_data_in_a_data_uri_does_not_leave():
    out = shown("see data:text/plain,jane%40example.com or data:text/html;charset=utf-8,%3Cb%3Ejane%40example.com")
    assert "example" not in out


@pytest.mark.parametrize(
    "encode",
    [
        lambda data: base64.b64encode(data).decode(),
        lambda data: base64.urlsafe_b64encode(data).decode(),
        lambda data: base64.encodebytes(data).decode().strip(),
    ],
    ids=["plain", "urlsafe", "lines"],
)
def test_long_base64_is_described_wherever_it_stands(encode):
    blob = encode(NOISE)
    assert Binary().text(f"before {blob} after") == f"before <base64 {len(blob)} characters> after"


@pytest.mark.parametrize(
    "dump",
    [NOISE.hex(), NOISE.hex(" "), NOISE.hex(":"), NOISE.hex(" ", 2), "".join(f"\\x{byte:02x}" for byte in NOISE)],
    ids=["run", "spaces", "colons", "words", "escapes"],
)
def test_long_hex_dumps_are_described(dump):
    assert Binary().text(f"dump: {dump}\n\nend.") == f"dump: <hex {len(dump)} characters>\n\nend."


def test_base64_of_text_and_long_words_stay_for_the_detectors():
    for text in (
        base64.b64encode("Gr\u00fc\u00dfe an alle. ".encode() * 100).decode(),
        "a" * 3_000,
        "1234567890 " * 200,
        "word\nlist\n" * 300,
        "/usr/local/bin/python3/" * 100,
    ):
        assert Binary().text(text) is text


@settings(deadline=None)
@given(before=st.integers(0, 1_500), size=st.integers(800, 2_500))
def test_a_run_is_found_wherever_it_begins(before, size):
    run = BLOB[: size + size % 4]
    text = "x " * before + run + " y"
    expected = text if len(run) < 1_024 else "x " * before + f"<base64 {len(run)} characters> y"
    assert Binary().text(text) == expected


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{SMALL}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": SMALL}},
        {"inline_data": {"mime_type": "image/png", "data": SMALL}},
        {"type": "input_audio", "input_audio": {"data": SMALL, "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": SMALL}},
        {"b64_json": SMALL},
        ModelValue(dict, {"media_type": "image/png", "data": SMALL}),
        json.dumps({"source": {"type": "base64", "media_type": "image/png", "data": SMALL}}),
    ],
    ids=["openai", "anthropic", "gemini", "audio", "file", "generated", "model", "json"],
)
def test_media_in_messages_is_described_at_any_size(part):
    out = json.dumps(shown([{"role": "user", "content": [part, {"type": "text", "text": "hi"}]}]))
    assert SMALL not in out
    assert " characters>" in out or "60 bytes>" in out


@pytest.mark.parametrize(
    "part",
    [
        {"data": "some words that are data", "format": "json"},
        {"data": "abcdefghijklmnopqrst", "format": "json"},
        {"data": SMALL},
        {"data": [1, 2], "mime_type": "text/csv"},
    ],
    ids=["prose", "word", "alone", "list"],
)
def test_other_data_stays(part):
    assert shown(part) == part


def test_a_blob_in_plain_data_does_not_slip_through_the_quick_look():
    assert shown({"a": {"blob": BLOB}}) == {"a": {"blob": f"<base64 {len(BLOB)} characters>"}}


def test_time_is_linear_in_the_text():
    def spent(text):
        begin = time.thread_time()
        Binary().text(text)
        return time.thread_time() - begin

    for unit in ("data:a/b;a=b", "A1b2" * 256 + " ", "ab ", "data:," + "%" * 50, "0a " * 400 + "g"):
        spent(unit * 20)
        assert spent(unit * 4_000) < 50 * max(spent(unit * 400), 0.002)


@pytest.mark.parametrize("text", ["data:;base64,AAAA", "data:image/png;base64,AAAA", "data:a/b;c=d;base64,AAAA"])
def test_what_looks_like_a_parameter_and_is_none_hides_no_content(text):
    # Before Python 3.11.5 a possessive group that fails in its last round goes on from a wrong place.
    assert "AAAA" not in Binary().text(text)
