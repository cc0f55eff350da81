"""Logins on command lines: `curl -u user:password`, `mysql -pPassword`, `psexec -u user -p password`."""

import re
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans
from certtrace.redaction.detect.values import stands_in
from certtrace.redaction.text.engine import Groups

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
_COMMAND: Final = re.compile(rb"(?i)(?:^|[\s\"'`(|;&/\\$=%])(" + _ALTERNATIVES + rb")(?:\.exe)?[\"']?[ \t]")
_FLAG: Final = re.compile(rb"(?:--?user|-([a-zA-Z]))([ \t=]*)([\"']?)")
_WORD: Final = re.compile(rb"[^\s\"'`|;<>]{1,512}")
_QUOTED: Final = re.compile(rb"[^\"'\r\n]{1,512}")
_LINE: Final = 320
_PAIR: Final = re.compile(rb"[^:\s]{0,128}[:%,][^\s]+")


def _flag(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Take the login that a flag of a known command carries."""
    start = groups[0][0] + 1
    commands = _COMMAND.findall(data, max(data.rfind(b"\n", 0, start), start - _LINE, 0), start)
    flag = _FLAG.match(data, start)
    if not commands or flag is None:
        return [], start + 1
    span = _span(data, flag)
    good = _holds_login(commands[-1].lower(), flag, data[slice(*span)])
    return ([(*span, "")] if good else []), max(span[1], start + 1)


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
    return re.fullmatch(rb"[0-9.:/a-z\[\]-]*[0-9](?:/tcp|/udp)?", value) is not None


PATTERNS: Final = (
    Pattern(
        "SECRET", "secret.command", rb"[ \t](?:-[apuwPUW][ \t=\"']?|--user[ \t=])[^ \t-\r=-]", (b" -", b"\t-"), _flag
    ),
)
