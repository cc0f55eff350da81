"""`certtrace redact`: try a redaction policy on text, JSON or JSONL."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from certtrace.cli.home import ChosenHome
from certtrace.cli.redact_files import FORMATS, Piece, pieces
from certtrace.cli.terminal import remark
from certtrace.errors import InputError

if TYPE_CHECKING:
    from certtrace.redaction.explaining import Explained
    from certtrace.redaction.periods import PeriodicRedactor
    from certtrace.redaction.redactor import Redactor

_WRONG_INPUT: Final = 2


@click.command(epilog="Exit codes: 0 done, 2 wrong input: a line that is not JSON is redacted as text and reported.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="auto", show_default=True, help="What the input is."
)
@click.option("--findings", is_flag=True, help="JSON lines with offsets, types, layers and rules of what was found.")
@click.option("--explain", is_flag=True, help="Which layer and rule did it, line by line, instead of the text.")
@click.option("--profile", type=click.Choice(["standard", "strict", "open"]), help="Use this profile.")
@click.option("--policy", type=click.Path(path_type=Path), metavar="FILE", help="Use the policy in this TOML file.")
@click.option("--destination", metavar="NAME", help="Redact as for this destination: store, langfuse or others.")
@click.option("--known", type=click.Path(path_type=Path), metavar="FILE", help="JSON list of people who are known.")
@click.pass_obj
def redact(home: ChosenHome, /, files: tuple[Path, ...], **chosen: Any) -> None:
    """Redact text, JSON or JSONL from FILEs or standard input, as content of a span would be.

    Nothing is recorded and nothing is sent.

    A line of JSONL with a "text", such as {"text": "…", "known": [{"name": "…", "email": "…"}]}, gets a "redacted"
    beside it, and with --findings the list of findings, each with start, end, type, layer and rule. Other JSON is
    redacted as structure. Plain text is read in pieces of whole lines, each within the policy's max_value_bytes.
    """
    redactor = _redactor(home, chosen)
    work = _Work(redactor, _known(chosen["known"]), findings=chosen["findings"], explain=chosen["explain"])
    limit = _limit(redactor)
    out = sys.stdout.buffer
    for path in files or (None,):
        for piece in pieces(path, chosen["form"], limit):
            out.write(work.line(piece))
    out.flush()
    if redactor.failures:
        remark(f"{redactor.failures} values were withheld because redaction failed.")
    if work.bad_lines:
        click.get_current_context().exit(_WRONG_INPUT)


def _redactor(home: ChosenHome, chosen: dict[str, Any]) -> "Redactor | PeriodicRedactor":
    from certtrace.assembly import redaction  # noqa: PLC0415 - help must be quick

    settings = home.settings(redaction_profile=chosen["profile"], redaction_policy=chosen["policy"])
    policy = redaction.policy_of(settings)
    foreign = redaction.recognizers_of(settings)
    return redaction.redactor_of(policy, redaction.key_of(settings), destination=chosen["destination"], foreign=foreign)


def _limit(redactor: "Redactor | PeriodicRedactor") -> int:
    return redactor.policy.max_value_bytes


def _known(path: Path | None) -> list[Any]:
    if path is None:
        return []
    try:
        people = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not JSON"
        msg = f'--known {path} cannot be read: {reason}. Give a JSON list such as [{{"name": "…", "email": "…"}}].'
        raise InputError(msg) from None
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        msg = f'--known {path} holds no list of objects. Give a JSON list such as [{{"name": "…"}}].'
        raise InputError(msg)
    return people


class _Work:
    """Redacts piece after piece and renders each for the output."""

    def __init__(
        self, redactor: "Redactor | PeriodicRedactor", people: list[Any], *, findings: bool, explain: bool
    ) -> None:
        self._redactor = redactor
        self._people = people
        self._findings = findings
        self._explain = explain
        self.bad_lines = 0

    def line(self, piece: Piece) -> bytes:
        """Return what is written for one piece."""
        if piece.form == "jsonl":
            return self._json_line(piece)
        if not self._findings and not self._explain:
            return str(self._redactor.redact_value(piece.text, self._people)[0]).encode("utf-8", "replace")
        explained = self._redactor.explain(piece.text, self._people)
        if self._explain:
            return self._explained(piece, explained)
        return _dumped({"redacted": explained.redacted, "findings": _found(explained, piece.offset)})

    def _json_line(self, piece: Piece) -> bytes:
        if not piece.text.strip():
            return b"\n"
        try:
            row = orjson.loads(piece.text)
        except orjson.JSONDecodeError:
            self.bad_lines += 1
            remark(f"{piece.origin}, line {piece.line}: it is not JSON. It was redacted as text.")
            row = {"text": piece.text}
            return self._row(piece, row, {})
        if isinstance(row, dict) and isinstance(row.get("text"), str):
            return self._row(piece, row, row)
        if self._findings or self._explain:
            explained = self._redactor.explain(piece.text.strip(), self._people)
            if self._explain:
                return self._explained(piece, explained)
            return _dumped({"redacted": orjson.loads(explained.redacted), "findings": _found(explained)})
        return str(self._redactor.redact_value(piece.text.strip(), self._people)[0]).encode() + b"\n"

    def _row(self, piece: Piece, row: dict[str, Any], shown: dict[str, Any]) -> bytes:
        known = row.get("known")
        people = (
            [*self._people, *(person for person in known if isinstance(person, dict))]
            if isinstance(known, list)
            else self._people
        )
        if not self._findings and not self._explain:
            return _dumped({**shown, "redacted": self._redactor.redact_value(row["text"], people)[0]})
        explained = self._redactor.explain(row["text"], people)
        if self._explain:
            return self._explained(piece, explained, row["text"])
        result = {**shown, "redacted": explained.redacted}
        return _dumped({**result, "findings": _found(explained)})

    def _explained(self, piece: Piece, explained: "Explained", text: str | None = None) -> bytes:
        """Render one line for each place; in JSONL the place is counted in the row's text."""
        source = piece.text if text is None else text
        lines: list[str] = []
        for change in explained.changes:
            before = source[: change.start]
            row = piece.line + (0 if piece.form == "jsonl" else before.count("\n"))
            column = change.start - (before.rfind("\n") + 1 if piece.form != "jsonl" else 0) + 1
            did = f" ({change.operator})" if change.operator else ""
            lines.append(
                f"{piece.origin}:{row}:{column}: {change.type} found by {change.layer}"
                f"{f', rule {change.rule}' if change.rule else ''}: {change.replacement}{did}\n"
            )
        return "".join(lines).encode("utf-8", "replace")


def _found(explained: "Explained", offset: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "start": change.start + offset,
            "end": change.end + offset,
            "type": change.type,
            "layer": change.layer,
            "rule": change.rule,
            "operator": change.operator,
        }
        for change in explained.changes
    ]


def _dumped(value: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(value) + b"\n"
    except orjson.JSONEncodeError:  # lone surrogates that the input's JSON spelled out
        import json  # noqa: PLC0415 - hardly ever needed

        return json.dumps(value).encode() + b"\n"
