"""Names of accounts: `@handles`, and the account in a profile address, a home directory, a log field or a prompt."""

import re
from typing import Final

from certtrace.redaction.detect.handle_words import DIRECTIVES, NOBODY, PATHS_OF_SITES
from certtrace.redaction.detect.pattern import Pattern, Spans, touches_word
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_HANDLE: Final = lazy(rb"[A-Za-z_](?:[A-Za-z0-9_.-]{1,37})?[A-Za-z0-9_]")
_MIN_HANDLE: Final = 3
_NEVER_BEFORE: Final = b"_.-/+%`$@\\&=[#?*~"
_NEVER_BEHIND: Final = b"(/={[<@:"
_SOCIAL: Final = lazy(
    rb"(?:twitter|github|gitlab|slack|discord|telegram|instagram|insta|mastodon|handle|username|user|nick|contact|cc|ping"
    rb"|thanks|thank|hi|hello|hey|dear|follow|author|by|dm|ask|from|tiktok|threads|bluesky)[^A-Za-z0-9]{1,4}(?:to )?\Z",
    re.IGNORECASE,
)
"""Words that make even a capitalised `@Name` a handle; without them it may be an annotation."""
_SOCIAL_REACH: Final = 24
_DECLARED: Final = lazy(
    rb"[ \t\r\n]*(?:@|(?:def|async|class|public|private|protected|static|final|export|function|func?|val|var|const|let"
    rb"|interface|abstract|int|void|string|constructor|bool|n?varchar|datetime|bigint|decimal)[ \t(])"
    rb"|[ \t]*(?:[=;{]|:=)",
    re.IGNORECASE,
)
"""What follows an annotation, a decorator, or a variable of SQL or Ruby."""
_SQL: Final = lazy(rb"\b(?:SELECT|INSERT|UPDATE|VALUES|WHERE|DECLARE|EXEC|SET)\b|=[ ]?\Z")
_SQL_REACH: Final = 64

_ACCOUNT: Final = lazy(rb"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?")
_PROFILE_END: Final = lazy(rb"/?(?:[?#][^\s\"'<>)\]]{0,200})?[.,;:!?]{0,3}(?:[\s\"'<>)\]}|\\*`]|\Z)")
_PROFILE: Final = (
    r"(?:git(?:hub|lab)\.com|bitbucket\.org|codeberg\.org|twitter\.com|instagram\.com|facebook\.com|threads\.net"
    r"|tiktok\.com|medium\.com|dev\.to|kaggle\.com|leetcode\.com|codepen\.io|hackerrank\.com|keybase\.io|mastodon\.social"
    r"|bsky\.app/profile|linkedin\.com/(?:in|pub)|xing\.com/profile|researchgate\.net/profile|reddit\.com/u(?:ser)?"
    r"|hub\.docker\.com/u|stackoverflow\.com/users/[0-9]{1,10}|youtube\.com|pypi\.org/user|npmjs\.com|[ /\"'(<]x\.com"
    r"|[ /\"'(<]t\.me)/[@~]?[A-Za-z0-9]"
)
_MEMBERS: Final = lazy(rb"(?:in|pub|profile|u|user|users/[0-9]{1,10})/\Z")
"""Below these parts of a path stands an account, whatever follows."""

_HOME: Final = rb"(?i)(?:/home|[/\\]users)[/\\]{1,2}[a-z0-9_]"
_HOME_END: Final = lazy(rb"[/\\\s\"':;,)\]]|\Z")

_FIELD: Final = r"(?:(?:user|login|screen|nick|account)[_ -]?name|user[_-]?id|login|user|usr|benutzer(?:name)?)"
_VALUE: Final = lazy(rb"([\"']?)([A-Za-z0-9_](?:[A-Za-z0-9_.\\-]{1,38})[A-Za-z0-9_])")
_LOGGED: Final = r"(?:invalid user|(?:opened|closed) for user|(?:password|publickey) for(?: invalid user)?) [a-z0-9_]"
_LOG_END: Final = lazy(rb"(?: from|\(uid| by|[ ]?[.,;:]|\s*\Z)")
_NAMELESS: Final = lazy(rb"(?:self|request|req|this|ctx|os|env|config|settings|args|data|obj|state|process)\.")
_PROMPT: Final = lazy(rb"@[A-Za-z0-9][A-Za-z0-9-]{0,40}:(?:[~/]|\$)")
_SHELL: Final = lazy(rb"(?:ssh|scp|sftp|rsync|mosh)[ ](?:-[A-Za-z][ ]?[^ ]{0,40}[ ]){0,3}\Z")
_NAME_BEFORE: Final = lazy(rb"(?:\A|[^A-Za-z0-9_.-])([a-z_][a-z0-9_.-]{1,31})\Z")


def _at(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find `@jane` in prose, and `jane` of `jane@db01:~$`."""
    at, end = groups[0]
    before = data[max(0, at - 1) : at]
    if before.isalnum() or before == b"_":
        return _prompt(data, at), end
    handle = _HANDLE.match(data, at + 1)
    if handle is None or (before and before in _NEVER_BEFORE) or not _is_handle(data, at, handle):
        return [], end
    return [(*handle.span(), "USERNAME")], handle.end()


def _is_handle(data: bytes, at: int, handle: re.Match[bytes]) -> bool:
    name, end = handle[0].lower(), handle.end()
    behind = data[end : end + 1]
    if len(name) < _MIN_HANDLE or (behind and behind in _NEVER_BEHIND and data[end : end + 2] != b": "):
        return False
    if name.decode() in DIRECTIVES or name.split(b".")[0].decode() in DIRECTIVES or touches_word(data, end):
        return False
    if _DECLARED.match(data, end) or _SQL.search(data, max(0, at - _SQL_REACH), at):
        return False
    social = _SOCIAL.search(data, max(0, at - _SOCIAL_REACH), at) is not None
    plain = handle[0].islower() or re.search(rb"[0-9_]", name) is not None
    return social or plain


def _prompt(data: bytes, at: int) -> Spans:
    """Find the account in a shell's prompt and in `ssh jane@db01`."""
    name = _NAME_BEFORE.search(data, max(0, at - 40), at)
    if name is None or name[1].decode() in NOBODY:
        return []
    shell = _SHELL.search(data, max(0, name.start(1) - 64), name.start(1))
    return [(*name.span(1), "USERNAME")] if shell or _PROMPT.match(data, at) else []


def _profile(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find the account in the address of a profile; the address of a repository or an article is left alone."""
    start = groups[0][1] - 1
    account = _ACCOUNT.match(data, start)
    if account is None or touches_word(data, groups[0][0] - 1):
        return [], start + 1
    member = data[start - 1 : start] in {b"@", b"~"} or _MEMBERS.search(data, max(0, start - 24), start)
    whole = _PROFILE_END.match(data, account.end()) is not None
    if account[0].lower().decode() in PATHS_OF_SITES or not (member or whole):
        return [], account.end()
    return [(*account.span(), "USERNAME")], account.end()


def _home(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find the account in the path of a home directory."""
    start = groups[0][1] - 1
    account = _ACCOUNT.match(data, start)
    if account is None or not _is_somebody(account[0]) or not _HOME_END.match(data, account.end()):
        return [], start + 1
    return [(*account.span(), "USERNAME")], account.end()


def _field(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find the value of `user=jane` and `"login": "jane"`."""
    begin, end = groups[0]
    value = _VALUE.match(data, groups[1][1])
    if value is None or data[max(0, begin - 1) : begin].isalnum() or not _is_somebody(value[2]):
        return [], end
    behind = data[value.end() : value.end() + 1]
    if _NAMELESS.match(value[2]) or (behind and behind in b"([/@{") or (value[1] and behind != value[1]):
        return [], end
    if not value[1] and not _is_alone(data[slice(*groups[1])], behind):
        return [], end
    return [(*value.span(2), "USERNAME")], value.end()


def _is_alone(sign: bytes, behind: bytes) -> bool:
    """Tell whether a bare value is a value, not a sentence ("Login: the user types") and not code (`user = load`)."""
    return sign == b"=" or (b"=" not in sign and (not behind or behind in b",;)}]\r\n\"'&|"))


def _logged(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find the account in what sshd and PAM log: `Failed password for invalid user jane from …`."""
    end = groups[0][1]
    account = _ACCOUNT.match(data, end - 1)
    if account is None or not _is_somebody(account[0]) or not _LOG_END.match(data, account.end()):
        return [], end
    return [(*account.span(), "USERNAME")], account.end()


def _is_somebody(name: bytes) -> bool:
    plain = name.lower().decode()
    return plain not in NOBODY and not plain.isdigit() and len(plain) >= _MIN_HANDLE


PATTERNS: Final = (
    Pattern("USERNAME", "username.handle", rb"@[A-Za-z_]", (b"@",), _at),
    Pattern(
        "USERNAME",
        "username.profile",
        f"(?i){_PROFILE}".encode(),
        (b".com/", b".org/", b".net/", b".to/", b".io/", b".me/", b".social/", b".app/"),
        _profile,
    ),
    Pattern("USERNAME", "username.home", _HOME, (b"/home", b"users/", b"users\\"), _home),
    Pattern(
        "USERNAME",
        "username.field",
        f"(?i){_FIELD}([\"']?(?:=>?|[ ]?[:=][ ]?))[\"']?[A-Za-z0-9_]".encode(),
        (b"user", b"login", b"screen", b"nick", b"account", b"usr", b"benutzer"),
        _field,
    ),
    Pattern(
        "USERNAME",
        "username.log",
        f"(?i){_LOGGED}".encode(),
        (b"d user ", b"r user ", b"password for", b"key for"),
        _logged,
    ),
)
