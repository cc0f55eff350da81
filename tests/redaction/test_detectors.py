import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.policy.model import FORMATS, PROFILES, RedactionPolicy
from certtrace.redaction.redactor import Redactor
from certtrace.redaction.text.folding import fold, fold_bytes
from certtrace.redaction.text.views import views

DATA = Path(__file__).parents[3] / "shared" / "data"
NATIVE = Detectors(FORMATS)
PLAIN = Detectors(FORMATS, native=False)
STANDARD = Detectors(PROFILES["standard"])


def found(text, detectors=STANDARD):
    return {
        (finding.type, text[slice(*view.to_source(finding.start, finding.end))])
        for view in views(text)
        for finding in detectors.find(view)
    }


@pytest.mark.parametrize(
    ("text", "kind", "part"),
    [
        ("mail jane.doe+exam@mail.example.co.uk, please", "EMAIL", "jane.doe+exam@mail.example.co.uk"),
        ("user=jane@example.com&x=1", "EMAIL", "jane@example.com"),
        ("jane%40example.com", "EMAIL", "jane%40example.com"),
        ("j\u00f6rg@ex\u00e4mple.de", "EMAIL", "j\u00f6rg@ex\u00e4mple.de"),
        ("postgres://svc:p@ss@db:5432/exam", "SECRET", "svc:p@ss"),
        ("GET /v1?x=1&access_token=abc.def&y=2", "SECRET", "abc.def"),
        ("card 4111 1111 1111 1111.", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("3782-822463-10005", "CREDIT_CARD", "3782-822463-10005"),
        ("card:2223003122003222", "CREDIT_CARD", "2223003122003222"),
        ("2026-11-22 4111111111111111", "CREDIT_CARD", "4111111111111111"),
        ("IBAN DE89 3704 0044 0532 0130 00 is mine", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("gb82west12345698765432", "IBAN", "gb82west12345698765432"),
        ("call +49 171 1234567 now", "PHONE", "+49 171 1234567"),
        ("(212) 555-0187 x12", "PHONE", "(212) 555-0187 x12"),
        ("020 7946 0958", "PHONE", "020 7946 0958"),
        ("Tel.: 555 0187", "PHONE", "555 0187"),
        ("SSN 460-89-9847", "SSN", "460-89-9847"),
        ("born on 12.03.1988 in", "DOB", "12.03.1988"),
        ("sk-lf-12345678-90ab-cdef-1234-567890abcdef", "SECRET", "sk-lf-12345678-90ab-cdef-1234-567890abcdef"),
        ("key AKIAIOSFODNN7EXAMPLE", "SECRET", "AKIAIOSFODNN7EXAMPLE"),
        ("ghp_" + "a1B2" * 9, "SECRET", "ghp_" + "a1B2" * 9),
        ("password=hunter2!", "SECRET", "hunter2"),
        ('{"api_key": "abcd1234"}', "SECRET", "abcd1234"),
        ("Authorization: Bearer abcDEF1234567890", "SECRET", "abcDEF1234567890"),
        ("Cookie: sid=38a91d0af3e64c8a; theme=dark", "SECRET", "sid=38a91d0af3e64c8a; theme=dark"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "SECRET", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
    ],
)
def test_what_has_a_form_is_found_to_the_character(text, kind, part):
    assert (kind, part) in found(text)


def test_a_private_key_is_found_to_its_end_line():
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAJtF\nfagSXdo0\n-----END RSA PRIVATE KEY-----"
    assert ("SECRET", key) in found(f"pem:\n{key}\nrest")


@pytest.mark.parametrize(
    "text",
    [
        "192.168.0.0/16, port 8080, 2^32-1, 3.4028235e38, 10.5 Mbit/s, RFC 1918",
        "255.255.255.0 and 10.0.0.1:8080, ports 1024-65535, VLAN 100-200",
        "session in Redis, Dijkstra, Conway's law, token ring, basic authentication",
        "550e8400-e29b-41d4-a716-446655440000 and 4bf92f3577b34da6a3ce929d0e0e4736",
        "2026-11-22T19:07:55.123456Z 22.11.2026 11/22/2026 1763838475123456789",
        "version 1.2.3.4567, v2026.11.22, commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "0101 1010 0011 1100 and 1.000.000 and 10 000 000 bytes, 0,05081373133",
        "password: the user has to choose one. Token: a frame that circulates.",
        "git@github.com:org/repo.git https://example.com/?page=2&code",
        "Ordered list: 1.1.1.1.2 scope; total 4111 points across 1234 5678 items",
        "ot=th:8;rv:9b8233f7e3a151",
    ],
)
def test_what_exam_answers_are_full_of_stays(text):
    assert found(text) == set()


@pytest.mark.skipif(not DATA.exists(), reason="needs the shared data folder beside the repository")
def test_real_exam_answers_raise_hardly_any_false_alarm():
    alarms, characters = 0, 0
    for name, keys in (("shortanswers", ("student_answer", "reference_answer")), ("casestudies", ("text",))):
        with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for text in {json.loads(line)[key] for line in lines for key in keys if key in line}:
                characters += len(text)
                alarms += len(found(text))
    assert characters > 100_000
    assert alarms * 10_000 / characters <= 0.5


@pytest.mark.skipif(not DATA.exists(), reason="needs the shared data folder beside the repository")
def test_both_engines_agree_on_labelled_text():
    with gzip.open(DATA / "pii_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            text = json.loads(line)["text"]
            assert found(text, NATIVE) == found(text, PLAIN)


PIECES = st.sampled_from(
    [
        *(
            "@",
            "a@b.io",
            "://u:p@h",
            "?token=",
            "&sig=x",
            "4111 1111 1111 1111",
            "+49 171 1234567",
            "DE89370400440532013000",
        ),
        *(
            "12",
            "9",
            "-",
            ".",
            " ",
            "\n",
            "password=",
            "Bearer ",
            "eyJhbGciOiJIUzI1NiJ9.",
            "sk-",
            "A" * 24,
            "\u00e9",
            "\u4e2d",
        ),
        *(
            "%40",
            "::1",
            "aa:",
            "-----BEGIN PRIVATE KEY-----",
            "born on ",
            "1.2.1990",
            "cookie: a=",
            "\x00",
            "\udc80",
            "\u200b",
        ),
        *("\\u0040", "10.0.0.1", "tel ", "x12", "IBAN ", "&#64;", "(", "+", "//"),
    ]
)


@given(st.lists(PIECES | st.text(max_size=8), max_size=24).map("".join))
@settings(max_examples=300, deadline=None)
def test_both_engines_agree_on_anything(text):
    assert found(text, NATIVE) == found(text, PLAIN)


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_folding_keeps_every_offset(text):
    assert len(fold(text)) == len(fold_bytes(text)) == len(text)


@given(st.lists(PIECES | st.text(max_size=8), max_size=24).map("".join))
@settings(max_examples=200, deadline=None)
def test_a_decoded_view_leads_back_into_the_text(text):
    for view in views(text):
        end_before = 0
        for index in range(len(view.text)):
            start, end = view.to_source(index, index + 1)
            assert 0 <= start < end <= len(text)
            assert start >= end_before or view.text == text
            end_before = start


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "1" * 200_000,
        "1 " * 100_000,
        "a@" * 100_000,
        "eyJ" * 66_000,
        "AB12" * 50_000,
        "password=" * 22_000,
        "://" * 66_000,
        "-----BEGIN PRIVATE KEY" * 9_000,
        "%41" * 66_000,
        ":" * 200_000,
        "?token=" * 28_000,
        "1.1." * 50_000,
        "4111 " * 40_000,
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.parametrize("detectors", [NATIVE, PLAIN], ids=["re2", "re"])
def test_no_text_takes_more_than_linear_time(text, detectors):
    import time

    def cost(part):
        begin = time.thread_time()
        found(part, detectors)
        return time.thread_time() - begin

    small, large = cost(text[: len(text) // 8]), cost(text)
    # Linear is a factor of 8; quadratic would be 64.
    assert large < max(32 * small, 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "540805912412d4c9981a30b025d21c7a",
        "dcb735c1-4128-6557-4769-5138c53be28e",
        "36138526-9442-5478-8df1-18cd8f40c3dc.",
        "c717b6aa-0407-2215-6186-e9db8a1c3899",
        "id 6666997663382c8f40fafcb1165e130958f23435, next",
    ],
)
@pytest.mark.parametrize("native", [True, False])
def test_digits_of_a_hexadecimal_id_are_no_payment_card(text, native):
    redactor = Redactor(RedactionPolicy(), b"k" * 32, native=native)
    assert redactor.redact_text(text) == text
    assert "4111" not in redactor.redact_text(f"{text} 4111 1111 1111 1111")
