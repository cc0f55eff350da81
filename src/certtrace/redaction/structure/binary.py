"""Binary content never travels: it is described by its kind and size, and by a keyed hash where the policy says so."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal
from urllib.parse import unquote_to_bytes

from certtrace.redaction.text.lazy import lazy

Mode = Literal["describe", "hash", "drop"]
"""`describe`: kind and size; `hash`: those and a keyed hash, so that equal content shows; `drop`: that it was there."""

MIN_BLOB: Final = 1_024
"""Shortest run of base64 or hex that counts as binary content."""

_MEDIA: Final = r"[A-Za-z0-9][\w.+-]{0,63}/[\w.+-]{1,64}"
_DATA_URI: Final = lazy(
    rf"data:(?P<media>{_MEDIA})?(?P<parameters>(?>(?:;[\w.+-]{{1,64}}=[^\s;,\"'<>]{{0,64}}){{0,4}}))"
    r"(?:;[ ]?(?P<encoded>base64))?,(?P<content>[^\s\"'<>)\]}`\\]*+)",
    re.IGNORECASE | re.ASCII,
)
_BASE64: Final = lazy(r"[A-Za-z0-9+/_-]*+(?>(?:\r?\n[A-Za-z0-9+/_-]++)*)={0,2}", re.ASCII)
_HEX: Final = lazy(r"(?>(?:(?:0x|\\x)?[0-9A-Fa-f]{2,8}[ :,\t\r\n-]{0,3})*)", re.ASCII)
_BEHIND_BASE64: Final = lazy(r"[^A-Za-z0-9+/_\r\n-]", re.ASCII)
_BEHIND_HEX: Final = lazy(r"[^0-9A-Fa-fx\\ :,\t\r\n-]", re.ASCII)
_SEPARATORS: Final = frozenset(" :,\t\r\n-")
_PROBE: Final = 48
_STEP: Final = MIN_BLOB - _PROBE
_IN_HEX: Final = lazy(rf"[0-9A-Fa-fx\\ :,\t\r\n-]{{{_PROBE}}}")
_IN_BASE64: Final = lazy(rf"[A-Za-z0-9+/_\r\n-]{{{_PROBE}}}")
_LINE: Final = 40
_KNOWN_TEXT: Final = ("text/", "application/json", "application/xml", "application/x-www-form-urlencoded")
_MEDIA_KEYS: Final = ("media_type", "mime_type", "mimeType", "mediaType", "format", "content_type", "filename")
_CONTENT_KEYS: Final = frozenset({"data", "file_data", "b64_json", "image_data", "audio_data", "base64", "bytes"})
_FORMATS: Final = frozenset(
    {"wav", "mp3", "flac", "opus", "aac", "ogg", "pcm16", "g711_ulaw", "g711_alaw", "png", "jpg", "pdf"}
)
_IS_BASE64: Final = lazy(r"[A-Za-z0-9+/_-]{16,}[A-Za-z0-9+/_\r\n-]*+={0,2}\s*", re.ASCII)


class Binary:
    """Describes binary content for one policy. Safe to share between threads."""

    __slots__ = ("_digest", "_mode")

    def __init__(self, mode: Mode = "describe", digest: Callable[[bytes], str] | None = None) -> None:
        """Take the mode and, for `hash`, what returns a keyed hash of content."""
        self._mode = mode
        self._digest = digest

    def content(self, data: bytes | bytearray | memoryview, kind: str = "bytes") -> str:
        """Return what stands for content: `<bytes 12>`."""
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        return self._described(kind, str(size), lambda: bytes(data))

    def media_parts(self, part: Mapping[Any, Any]) -> dict[Any, str]:
        """Return, by key, what stands for the encoded content in a part of a message; empty where there is none.

        Knows `{"type": "base64", "media_type": …, "data": …}`, `inline_data`, `input_audio` and file parts.
        """
        if _CONTENT_KEYS.isdisjoint(part):
            return {}
        found = {key: part[key] for key in _CONTENT_KEYS if _is_encoded(part.get(key))}
        if not found or not ("b64_json" in found or part.get("type") == "base64" or _names_media(part)):
            return {}
        return {key: self._base64(value) for key, value in found.items()}

    def text(self, text: str, redact: Callable[[str], str] | None = None) -> str:
        """Return `text` with its data URIs and long runs of encoded binary content described.

        Args:
            text: Any text; one without such content is returned as it is, quickly.
            redact: Redacts the text in a data URI that holds text; without it that is described too.
        """
        if "data:" in text or "DATA:" in text:
            text = _DATA_URI.sub(lambda match: self._uri(match, redact), text)
        return self._blobs(text) if len(text) >= MIN_BLOB else text

    def is_touched(self, text: str) -> bool:
        """Tell whether `text` returns anything else than the text itself."""
        return self.text(text) is not text

    def _uri(self, match: re.Match[str], redact: Callable[[str], str] | None) -> str:
        media, content = (match["media"] or "text/plain").lower(), match["content"]
        if not (match["media"] or match["encoded"] or match["parameters"] or "%" in content):
            return match[0]  # `data:,` begins a URI, and is also what somebody types who lists his data
        if match["encoded"] is None and redact is not None and media.startswith(_KNOWN_TEXT):
            plain = unquote_to_bytes(content).decode("utf-8", "replace")
            # As a URI the decoded text would no longer be one; as text it says what it is.
            return (
                match[0]
                if redact(plain) == plain and redact(content) == content
                else self._uri_mark(media, content, match)
            )
        return self._uri_mark(media, content, match)

    def _uri_mark(self, media: str, content: str, match: re.Match[str]) -> str:
        encoded = match["encoded"] is not None
        size = len(content.rstrip("=")) * 3 // 4 if encoded else len(unquote_to_bytes(content))
        unit = f"{media}, {size} bytes"
        return self._described("data uri", unit, lambda: _decoded(content) if encoded else unquote_to_bytes(content))

    def _base64(self, text: str) -> str:
        return self._described("base64", f"{len(text)} characters", lambda: _decoded(text))

    def _described(self, kind: str, what: str, data: Callable[[], bytes]) -> str:
        if self._mode == "drop":
            return f"<{kind}>"
        if self._mode == "hash" and self._digest is not None:
            return f"<{kind} {what}, {self._digest(data())}>"
        return f"<{kind} {what}>"

    def _blobs(self, text: str) -> str:
        """Replace runs of at least `MIN_BLOB` signs; any such run covers one of the places that are looked at."""
        pieces: list[str] = []
        done = 0
        for probe in range(_STEP, len(text), _STEP):
            if probe >= done and (run := self._run(text, probe, done)) is not None:
                start, end, mark = run
                pieces += (text[done:start], mark)
                done = end
        if not pieces:
            return text
        pieces.append(text[done:])
        return "".join(pieces)

    def _run(self, text: str, probe: int, done: int) -> tuple[int, int, str] | None:
        if _IN_HEX.match(text, probe):
            start = _begin(text, probe, done, _BEHIND_HEX)
            run = _whole(_HEX, text, start, _is_dump).rstrip()
            if run:
                return start, start + len(run), self._described("hex", f"{len(run)} characters", run.encode)
        if _IN_BASE64.match(text, probe):
            start = _begin(text, probe, done, _BEHIND_BASE64)
            run = _whole(_BASE64, text, start, _is_binary)
            if run:
                return start, start + len(run), self._base64(run)
        return None


def _is_encoded(value: object) -> bool:
    return isinstance(value, str) and _IS_BASE64.fullmatch(value) is not None


def _names_media(part: Mapping[Any, Any]) -> bool:
    """Tell whether something beside encoded content says what kind it is."""
    names = (part.get(key) for key in _MEDIA_KEYS)
    return any(isinstance(name, str) and ("/" in name or "." in name or name.lower() in _FORMATS) for name in names)


def _begin(text: str, probe: int, done: int, behind: re.Pattern[str]) -> int:
    """Return where the run that covers `probe` begins: it cannot reach back further than two probes."""
    first = max(done, probe - MIN_BLOB)
    start = first
    for found in behind.finditer(text, first, probe):
        start = found.end()
    # Behind the probe no run begins that covers it: a text of nothing but separators is not read to its end each time.
    while start < probe + _PROBE and text[start : start + 1] in _SEPARATORS:
        start += 1
    return start


def _whole(kind: re.Pattern[str], text: str, start: int, is_wanted: Callable[[str], bool]) -> str:
    """Return the run that begins at `start`, or an empty text; whether it is wanted is judged by its head."""
    head = kind.match(text, start, start + 2 * MIN_BLOB)
    if head is None or head.end() - start < MIN_BLOB or not is_wanted(head[0]):
        return ""
    whole = kind.match(text, start)
    return whole[0] if whole is not None else ""


def _is_dump(run: str) -> bool:
    """Tell whether hex digits are bytes: letters and digits both, as a list of numbers has no letters."""
    head = run[:MIN_BLOB]
    return any(sign in head for sign in "abcdefABCDEF") and any(sign.isdigit() for sign in head)


def _is_binary(run: str) -> bool:
    """Tell whether a run is base64 of anything but text; text the detectors read themselves."""
    first_line = run.lstrip().partition("\n")[0]
    if len(first_line) < _LINE or run.isdigit():
        return False
    head = run[:MIN_BLOB]
    if not (any(map(str.isupper, head)) and any(map(str.islower, head)) and any(map(str.isdigit, head))):
        return False
    return not _is_text(_decoded(head))


def _is_text(data: bytes) -> bool:
    for cut in range(4):  # a character may be cut at the end
        try:
            text = data[: len(data) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return all(sign.isprintable() or sign.isspace() for sign in text)
    return False


def _decoded(text: str) -> bytes:
    """Return what base64 encodes, or the text itself where it encodes nothing."""
    signs = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    signs = signs[: len(signs) - 1] if len(signs) % 4 == 1 else signs
    try:
        return base64.b64decode(signs + "=" * (-len(signs) % 4), validate=True)
    except binascii.Error:
        return text.encode("utf-8", "surrogatepass")
