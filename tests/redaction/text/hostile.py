"""Texts and values made to stall a redactor: each kind in any size."""

import json
from collections.abc import Callable
from typing import Final

Make = Callable[[int], object]


def _of(unit: str) -> Make:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def _between(head: str, unit: str, tail: str) -> Make:
    return lambda size: head + (unit * (size // len(unit) + 1))[:size] + tail


def _deep_json(size: int) -> str:
    return "[" * (size // 2) + "]" * (size // 2)


def _deep_objects(size: int) -> str:
    depth = size // 6
    return '{"a":' * depth + "1" + "}" * depth


def _deep_list(size: int) -> object:
    value: object = "4111 1111 1111 1111"
    for _ in range(min(size, 100_000)):
        value = [value]
    return value


def _wide_list(size: int) -> object:
    return ["ab@c"] * (size // 4)


def _nested_strings(size: int) -> str:
    """JSON in JSON in JSON: each level doubles the backslashes."""
    text = json.dumps({"to": "jane.doe@example.com"})
    while len(text) < size // 2:
        text = json.dumps({"inner": text, "more": "x" * 64})
    return text


KINDS: Final[dict[str, Make]] = {
    # runs of one kind of sign
    "letters": _of("a"),
    "capitals": _of("A"),
    "digits": _of("1"),
    "zeros": _of("0"),
    "spaces": _of(" "),
    "newlines": _of("\n"),
    "dots": _of("."),
    "colons": _of(":"),
    "hyphens": _of("-"),
    "underscores": _of("_"),
    "at signs": _of("@"),
    "equals signs": _of("="),
    "slashes": _of("/"),
    "brackets": _of("("),
    "quotes": _of('"'),
    "less-than signs": _of("<"),
    "percent signs": _of("%"),
    "backslashes": _of("\\"),
    "ampersands": _of("&"),
    "NUL": _of("\0"),
    # near misses, again and again
    "addresses without a host": _of("a@"),
    "addresses with a long local part": _of("a.b-c_d+" * 40 + "@"),
    "domains without an end": _between("a@", "a.", "!"),
    "cards with a wrong digit": _of("4111 1111 1111 1112 "),
    "cards without an end": _of("4111-"),
    "digits and separators": _of("1 2-3.4/5(6)"),
    "digits with three separators": _of("1   "),
    "telephone numbers begun": _of("+49("),
    "account numbers begun": _of("GB82 WEST "),
    "account numbers that overlap": _of("DE89"),
    "IPv4 without an end": _of("1.2.3.4."),
    "IPv6 groups": _of("f:"),
    "IPv6 with gaps": _of("1::"),
    "MAC without an end": _of("00:1A:"),
    "hexadecimal": _of("0123456789abcdef"),
    "UUIDs": _of("123e4567-e89b-12d3-a456-426614174000-"),
    "births begun": _of("born on 3 "),
    "PEM begun": _of("-----BEGIN "),
    "PEM without an end": _of("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"),
    "key=": _of("key="),
    "password:": _of("password: "),
    "pass and s": _between("pa", "s", "w"),
    "Bearer": _of("Bearer "),
    "cookie:": _of("cookie: a="),
    "tokens begun": _of("ghp_AKIAsk-eyJxoxb-"),
    "tokens with dots": _of("eyJhbGciOiJIUzI1NiJ9."),
    "URLs with users": _of("https://a:b"),
    "URL parameters": _of("?token=&key="),
    "handles": _of("@a "),
    "placeholders": _of("<email:0123456789>"),
    "placeholders begun": _of("<person:012345678"),
    "data URIs begun": _of("data:image/png;a=b"),
    "data URI": _between("data:image/png;base64,", "QUJD", ""),
    "words that matter": _of("account user name born phone street card passport "),
    # encoded, again and again
    "%25": _of("%25"),
    "%2525": _between("%", "25", "41"),
    "\\u005c": _of("\\u005c"),
    "&amp;": _of("&amp;"),
    "&amp;amp;": _between("&", "amp;", "lt;"),
    "entities unknown": _of("&abcdefgh;"),
    "base64 of text": _of("amFuZS5kb2VAZXhhbXBsZS5jb20g"),
    "base64 of noise": _of("/9j+A7Qx-_Zz"),
    "base64 runs": _of("YWJjZGVmZ2hpamtsbW5vcA== "),
    # Unicode
    "zero width": _of("\u200b"),
    "zero width between": _of("4\u200b1\u200b"),
    "combining marks": _of("e" + "\u0301" * 30),
    "right to left": _of("\u202eא\u202c"),
    "surrogates": _of("\ud800"),
    "surrogates between": _of("a\udfffb@"),
    "wide digits": _of("４１１１"),
    "many alphabets": lambda size: "".join(chr(0x370 + n * 7 % 40_000) for n in range(size)).replace("\ud800", ""),
    "emoji": _of("\U0001f600"),
    # structure
    "JSON 100,000 deep": _deep_json,
    "objects deep": _deep_objects,
    "lists 100,000 deep": _deep_list,
    "lists long": _wide_list,
    "JSON in JSON": _nested_strings,
    "JSON begun": _of('{"a":['),
    "JSON strings": _of('{"a":"\\"'),
    "CSV": _of("jane,doe,1,,\n"),
    "long words": _of("x" * 60_000 + " "),
}
