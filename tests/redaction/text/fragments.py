"""Texts full of what detectors look for, and of what only looks like it, for property tests."""

from hypothesis import strategies as st

from certtrace.redaction.detect.table import PATTERNS

FINDABLE = (
    "jane.doe@example.com",
    "4111 1111 1111 1111",
    "+49 171 1234567",
    "GB82 WEST 1234 5698 7654 32",
    "192.168.17.4",
    "2001:db8::8a2e:370:7334",
    "00:1A:2B:3C:4D:5E",
    "078-05-1120",
    "born on 3 May 1991",
    "https://ann:hunter2@example.org/x?token=abc123def456",
    "password = 'correct horse'",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "AKIAIOSFODNN7EXAMPLE",
    "Bearer abcdefghijklmnop1234",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----",
    "Y2FsbCBqYW5lLmRvZUBleGFtcGxlLmNvbSBub3c=",
    "Cookie: sid=0123456789abcdef",
    "jane%2Edoe%40example.com",
    "jane\\u002edoe\\u0040example.com",
    "jane&#46;doe&#64;example.com",
    "ja\u200bne.doe@exam\u00adple.com",
)
NEAR = (
    "@", "@@a", "a@b", "1.2.3", "1.2.3.4.5", "key=", "token:", "pas", "passs", "-----BEGIN", "0000 0000", "12345678",
    "%", "%2", "%25", "\\", "\\u00", "&amp;", "&", "a:b:c", "::", "(((", "://", "é", "ж", "\U0001f600", "\x1e",
    "\n", " ", "\t", "x" * 19, "x" * 21, "9" * 30, "A" * 40, "-_" * 12, "born", "\u0301", "\x00", "=", "\u2028",
)  # fmt: skip

texts = st.lists(
    st.one_of(st.sampled_from(FINDABLE), st.sampled_from(NEAR), st.text(max_size=12)), max_size=14
).flatmap(lambda parts: st.sampled_from(("", " ", "\n", ";")).map(lambda glue: glue.join(parts)))

literals = st.sampled_from(
    sorted({word for pattern in PATTERNS for word in pattern.literals if word} | {b"@", b"=", b":"})
).map(lambda word: word.decode("latin-1"))
signs = st.text(alphabet="abkxzAKZ059 .:=@/_-+\n\"'(%", max_size=24)
soup = st.lists(st.one_of(literals, signs), max_size=30).map("".join)
"""Words that patterns look for among signs that patterns are made of."""
