"""Find a name that stands in a text as base64 or as hexadecimal digits."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from certtrace.redaction.text.views import View

_MIN_BYTES: Final = 6
_BASE64: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")
_REACH: Final = 512


def encoded_forms(texts: list[str]) -> list[bytes]:
    """Return what the texts begin with when they are encoded by themselves."""
    forms: dict[bytes, None] = {}
    for text in texts:
        for form in (text, text.lower()):
            data = form.encode("utf-8", "surrogatepass")
            if len(data) >= _MIN_BYTES:
                whole = b64encode(data).rstrip(b"=")[: len(data) * 8 // 6]
                forms.update(dict.fromkeys((whole, whole.replace(b"+", b"-").replace(b"/", b"_"), data.hex().encode())))
    return list(forms)


def encoded_places(forms: list[bytes], view: View) -> Iterator[tuple[int, int]]:
    """Yield the runs that begin with an encoded name."""
    for form in forms:
        data = view.low if form.isalnum() and form.islower() else view.data
        start = data.find(form)
        while start >= 0:
            end = start + len(form)
            limit = min(len(data), end + _REACH)
            while end < limit and data[end] in _BASE64:
                end += 1
            yield start, end
            start = data.find(form, end)
