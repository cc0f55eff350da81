"""Keys in files: PEM, PuTTY, JSON web keys, hashes of passwords, Ansible vaults."""

from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_PEM_END: Final = lazy(rb"-{4,5} ?END [A-Z0-9 ]{0,60}-{4,5}")
_PEM_BODY: Final = lazy(rb"(?:[A-Za-z0-9+/=\s:,\\-]|KEY)*")
_PEM_REACH: Final = 65_536
_LINES: Final = lazy(rb"[ \t]*[0-9]{1,3}[ \t]*(?:\\[rn]|[\r\n])+([A-Za-z0-9+/= \t\r\n\\]{40,65536})")
_HEX_LINES: Final = lazy(rb"[0-9a-f\s\\n]{64,65536}")
_HASH: Final = lazy(rb"[^\s\"'<>,;|()\\]{16,1024}")
_MEMBER: Final = lazy(rb"[A-Za-z0-9_-]{16,8192}")
_NTLM: Final = lazy(
    rb"::[A-Za-z0-9_.-]{0,32}:(?:[0-9a-fA-F]{16}:[0-9a-fA-F]{32}:[0-9a-fA-F]{32,2048}|"
    rb"[0-9a-fA-F]{32,64}:[0-9a-fA-F]{32,64}:[0-9a-fA-F]{16})"
)
_JWK_REACH: Final = 4_096


def _pem(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take a private key to its end line, or as far as it looks like one."""
    start, end = groups[0]
    closing = _PEM_END.search(data, end, end + _PEM_REACH)
    if closing is not None:
        return [(start, closing.end(), "")], closing.end()
    body = _PEM_BODY.match(data, end)
    end = body.end() if body else end
    return [(start, end, "")], end


def _putty(data: bytes, groups: Groups) -> tuple[Spans, int]:
    body = _LINES.match(data, groups[0][1])
    return ([(*body.span(1), "")], body.end()) if body else ([], groups[0][1])


def _vault(data: bytes, groups: Groups) -> tuple[Spans, int]:
    body = _HEX_LINES.match(data, groups[0][1])
    end = body.end() if body else groups[0][1]
    return [(groups[0][0], end, "")], end


def _hash(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the hash of a password, `$6$salt$hash`: who has it can try all the passwords there are."""
    start = groups[0][0]
    run = _HASH.match(data, start)
    end = run.end() if run else groups[0][1]
    end -= len(data[start:end]) - len(data[start:end].rstrip(b":.!?"))
    return [(start, data.find(b":", start, end) if b":" in data[start:end] else end, "")], end


def _member(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take a private number of a JSON web key."""
    start, end = groups[0]
    value = _MEMBER.match(data, end - 1)
    return ([(*value.span(), "")], value.end()) if value and _in_jwk(data, start, end) else ([], end)


def _ntlm(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take a captured answer, `user::domain:challenge:proof:blob`."""
    start, end = groups[0]
    match = _NTLM.match(data, start)
    return ([(start, match.end(), "")], match.end()) if match else ([], end)


def _in_jwk(data: bytes, start: int, end: int) -> bool:
    return data.find(b"kty", max(0, start - _JWK_REACH), end + _JWK_REACH) >= 0


PATTERNS: Final = (
    Pattern("SECRET", "secret.pem", rb"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY", (b"begin",), _pem),
    Pattern("SECRET", "secret.putty", rb"Private-Lines:", (b"private-lines:",), _putty),
    Pattern("SECRET", "secret.ansible-vault", rb"\$ANSIBLE_VAULT;[0-9.]{3}", (b"$ansible_vault",), _vault),
    Pattern(
        "SECRET",
        "secret.hash",
        rb"\$(?:1|2[abxy]?|5|6|7|8|9|y|gy|apr1|md5|P|H|S|argon2[id]{1,2}|scrypt|pbkdf2[a-z0-9-]{0,10}|bcrypt[a-z0-9-]{0,8}|DCC2|NT|krb5[a-z]{2,6}|sha1)\$"
        rb"[A-Za-z0-9./+=,$*-]{6}|(?:pbkdf2_sha[0-9]{1,3}|bcrypt_sha256|argon2|scrypt|sha1|md5)\$[A-Za-z0-9./+=,-]{1,24}\$"
        rb"|\{S?(?:SHA|MD5|CRYPT)[0-9]{0,3}\}[A-Za-z0-9./+=$]{16}",
        (b"$", b"{s", b"{m", b"{c"),
        _hash,
    ),
    Pattern(
        "SECRET",
        "secret.jwk",
        rb"\\?[\"'](?:d|p|q|dp|dq|qi|k)\\?[\"'][ \t]{0,4}:[ \t]{0,4}\\?[\"'][A-Za-z0-9_-]",
        (b":",),
        _member,
    ),
    Pattern(
        "SECRET",
        "secret.ntlm",
        rb"::[A-Za-z0-9_.-]{0,32}:[0-9a-fA-F]{16}",
        (b"::",),
        _ntlm,
    ),
)
