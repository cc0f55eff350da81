"""Logins on command lines: `curl -u user:password`, `mysql -pPassword`, `psexec -u user -p password`."""

import re
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.detect.values import stands_in
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_JOINED: Final = frozenset(b"curl wget http https lftp smbclient mosquitto_pub mosquitto_sub".split())
"""Commands whose `-u` takes `user:password`."""
_GLUED: Final = frozenset(
    b"mysql mysqldump mysqladmin mysqlimport mysqlcheck mariadb mariadb-dump 7z 7za sshpass".split()
)
"""Commands whose `-p` is followed by the password without a space."""
_SPACED: Final = (
    (b"psexec psexec64 pskill pslist psservice paexec winrs evil-winrm crackmapexec xfreerdp cqlsh", b"pu"),
    (b"docker podman buildah skopeo nerdctl oc az helm snowsql influx unrar sshpass useradd usermod wpscan", b"p"),
    (b"mongo mongosh mongodump mongorestore mongoimport mongoexport", b"p"),
    (b"sqlcmd bcp isql osql ipmitool", b"PU"),
    (b"mosquitto_pub mosquitto_sub", b"Pu"),
    (b"zip unzip ssh", b"P"),
    (b"redis-cli", b"a"),
    (b"ldapsearch ldapadd ldapmodify ldapwhoami", b"w"),
)
"""Commands, and the flags behind which the password or the user who belongs to it stands."""
_LETTERS: Final = {
    **dict.fromkeys(_JOINED | _GLUED, b""),
    **{name: letters for names, letters in _SPACED for name in names.split()},
}
_PORTS: Final = frozenset({b"docker", b"podman", b"nerdctl"})
_ALTERNATIVES: Final = b"|".join(map(re.escape, sorted(_LETTERS, reverse=True)))
_COMMAND: Final = lazy(rb"(?i)(?:^|[\s\"'`(|;&/\\$=%])(" + _ALTERNATIVES + rb")(?:\.exe)?[\"']?[ \t]")
_NAME: Final = lazy(rb"[a-z0-9_-]+")
_FLAG: Final = lazy(rb"(?:--?user|-([a-zA-Z]))([ \t=]*)([\"']?)")
_WORD: Final = lazy(rb"[^\s\"'`|;<>]{1,512}")
_QUOTED: Final = lazy(rb"[^\"'\r\n]{1,512}")
_LINE: Final = 320
_LINE_OF: Final = lazy(rb"[^\r\n]{0,640}")
_SLASH_USER: Final = lazy(rb"(?i)/u(?:ser)?:")
_NO_PASSWORD: Final = lazy(rb"[/\\*$%]|[A-Za-z]:$")
_ECHO: Final = lazy(rb"(?:echo|printf)[ \t]+(?:-[a-z]+[ \t]+)?(?:\"([^\"\r\n]+)\"|'([^'\r\n]+)'|([^\s\"'|]+))[ \t]*$")
_READS_PASSWORD: Final = lazy(
    rb"\|[ \t]*(?:sudo[^|;]*? -[a-zA-Z]*S|chpasswd|passwd[^|;]*--stdin|[^|;]*--password-stdin)"
)
_PAIR: Final = lazy(rb"[^:\s]{0,128}[:%,][^\s]+")


def _flag(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the login that a flag of a known command carries."""
    start = groups[0][0] + 1
    begin = max(data.rfind(b"\n", max(0, start - _LINE), start), start - _LINE, 0)
    commands = _COMMAND.findall(data, begin, start) if _names_command(data[begin:start]) else []
    flag = _FLAG.match(data, start)
    if not commands:  # nor is there one for the next flags, up to where the next command stands
        ahead = _names_command(data[start : start + _LINE])
        command = _COMMAND.search(data, start, start + _LINE) if ahead else None
        return [], command.start() if command else min(start + _LINE, len(data)) - 64
    if flag is None:
        return [], start + 1
    span = _span(data, flag)
    good = _holds_login(commands[-1].lower(), flag, data[slice(*span)])
    return ([(*span, "")] if good else []), max(span[1], start + 1)


def _names_command(data: bytes) -> bool:
    """Tell whether one of the words is a command, which costs less than to search for all of them."""
    return not _LETTERS.keys().isdisjoint(_NAME.findall(data.lower()))


def _holds_login(command: bytes, flag: re.Match[bytes], value: bytes) -> bool:
    letter, spaced = flag[1] or b"u", bool(flag[2])
    if not value or value[:1] in b"-$%" or stands_in(value.rpartition(b":")[2]):
        return False
    if letter in b"uU" and command in _JOINED:
        return _PAIR.fullmatch(value) is not None and not value.startswith(b"http")
    if letter == b"p" and command in _GLUED and not spaced:
        return True
    return spaced and letter in _LETTERS[command] and not (command in _PORTS and _is_port(value))


def _span(data: bytes, flag: re.Match[bytes]) -> tuple[int, int]:
    place = flag.end()
    run = (_QUOTED if flag[3] else _WORD).match(data, place)
    return place, run.end() if run else place


def _is_port(value: bytes) -> bool:
    """Tell whether `-p` publishes ports: `8080:80`, `127.0.0.1:80:80/tcp`."""
    return re.fullmatch(rb"(?:[0-9.]{7,15}:|\[[0-9a-f:]*\]:)?[0-9:-]{1,24}(?:/tcp|/udp)?", value) is not None


def _slash(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the value of `/p:` where `/u:` names a user, and the password of `net use`."""
    start, end = groups[0]
    line = _LINE_OF.match(data, max(data.rfind(b"\n", 0, start) + 1, start - _LINE))
    if line is None or _SLASH_USER.search(line[0]) is None:
        return [], end
    if data[end - 1 : end] == b":":
        value = _WORD.match(data, end)
        spans = [(*value.span(), "")] if value and b"=" not in value[0] else []
        return spans, value.end() if value else end
    words = [word for word in _WORD.finditer(data, end, line.end()) if _NO_PASSWORD.match(word[0]) is None]
    return [(*word.span(), "") for word in words[:1]], end


def _piped(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take what `echo` hands to `sudo -S`, `chpasswd` or `--password-stdin`."""
    start, end = groups[0]
    line = _LINE_OF.match(data, start)
    echo = _ECHO.search(data, max(data.rfind(b"\n", 0, start) + 1, start - _LINE), start)
    if echo is None or line is None or _READS_PASSWORD.search(line[0]) is None:
        return [], end
    span = echo.span(echo.lastindex or 0)
    return ([] if stands_in(data[slice(*span)]) else [(*span, "")]), end


PATTERNS: Final = (
    Pattern("SECRET", "secret.command", rb"(?i)[ \t]/p:|net[ \t]{1,4}use[ \t]", (b"/p:", b"use"), _slash),
    Pattern("SECRET", "secret.piped", rb"\|[ \t]{0,4}(?:sudo|chpasswd|docker|podman|helm|passwd|oc)", (b"|",), _piped),
    Pattern(
        "SECRET", "secret.command", rb"[ \t](?:-[apuwPUW][ \t=\"']?|--user[ \t=])[^ \t-\r=-]", (b" -", b"\t-"), _flag
    ),
)
