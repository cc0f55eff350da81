"""Tracebacks without values: frames and code stay, messages lose what they quote, dumps of variables their values."""

import re
from typing import Final

from certtrace.redaction.structure.quotes import value_mark, without_values
from certtrace.redaction.structure.reprs import is_type
from certtrace.redaction.text.lazy import lazy

_GROUP: Final = r"(?>(?:[ ]*+[|+](?:-\+)?)*)[ ]*+"
"""What `traceback` draws before the lines of an exception group."""
_FRAME: Final = lazy(rf"({_GROUP})File \"([^\"\n]*)\", line [0-9]+(?:, in .*)?\s*\Z")
_HEADING: Final = lazy(
    rf"{_GROUP}(?:(?:Exception Group )?Traceback \(most recent call last\):\Z|During handling of the above exception"
    r"|The above exception was the direct cause|\[Previous line repeated |\.\.\. )"
)
_RULE: Final = lazy(r"[-+ |0-9.]*+\Z")
_ERROR: Final = lazy(rf"({_GROUP}(?:E[ ]{{1,12}})?)([A-Za-z_][\w.]{{0,200}})(: .*|)\Z", re.DOTALL)
_TYPE: Final = lazy(r"(?:\w+\.)*(?:[A-Z]\w*|\w*(?:error|exception|exit|timeout|herror|gaierror))")
_MARKS: Final = lazy(rf"{_GROUP}[~^ ]+\Z")
_LOCAL: Final = re.compile(r"((?>(?:[│┃|][ ]*+)*)[ ]*+[A-Za-z_]\w{0,80}[ ]*+=[ ]+)(?=\S)")
_ARGUMENT: Final = lazy(r"(?:^|, )([A-Za-z_]\w{0,80} = )")
_ANNOTATION: Final = lazy(r"([ ]*+(?>(?:[│|][ ]++)*)[└╰][ ]+)(?=\S)")
_SAYS_NOTHING: Final = lazy(
    r"<(?:class|function|module|built-in|bound|method) |(?:None|True|False|\{\}|\[\]|\(\)|\.\.\.)\Z"
)
_MAY_QUOTE: Final = lazy(r"['\"“:=]")
_PYTEST_CODE: Final = lazy(r"(?:>? {3,}|>  )\S.*|[\w/.\\-]+:[0-9]+: .*|_ _ .*|[_=]{5,}.*")
_DOTS: Final = lazy(r"[ ]*\.{12,}\s*\Z")


def traceback_without_values(text: str) -> str:
    """Return a traceback whose messages and dumps of variables hold no values.

    File, line and function of each frame and its line of code stay, and so do the names of errors and variables.
    Understands what Python writes, with and without locals and groups, and what pytest, rich and loguru make of it.
    """
    return _Reader().read(text)


class _Reader:
    """Reads line by line; lines of one message are kept until it ends."""

    __slots__ = ("_code_indent", "_dotted", "_hidden", "_lines_of_code", "_message", "_out")

    def __init__(self) -> None:
        self._out: list[str] = []
        self._message: list[str] = []
        self._lines_of_code = -1
        """How many lines followed the last frame; -1 outside of frames."""
        self._code_indent = 0
        self._hidden = False
        """Whether the frame's code is data: what `eval` or a parser was given."""
        self._dotted = False

    def read(self, text: str) -> str:
        for line in text.split("\n"):
            self._line(line)
        self._end_message()
        return "\n".join(self._out)

    def _line(self, line: str) -> None:
        frame = _FRAME.match(line)
        if frame is not None:
            self._end_message()
            self._lines_of_code, self._code_indent = 0, len(frame[1]) + 2
            self._hidden = frame[2].startswith("<") and not frame[2].startswith(("<frozen", "<ipython"))
            self._out.append(line)
        elif _HEADING.match(line) or ("----" in line and _RULE.match(line)):
            self._end_message()
            self._out.append(line)
        elif self._lines_of_code >= 0 and (not line.strip() or line[: self._code_indent].strip(" |") == ""):
            self._code(line)
        else:
            self._other(line)

    def _code(self, line: str) -> None:
        """Keep a line below a frame: its code, or a variable where locals were captured."""
        self._lines_of_code += 1
        if _MARKS.match(line):
            self._out.append(line)
        elif _ANNOTATION.match(line):
            self._out.append(_variable(line))
        elif self._hidden and line.strip():
            self._out.append(line[: self._code_indent] + value_mark(len(line.strip())))
        elif self._lines_of_code > 1 and not line[self._code_indent : self._code_indent + 1].isspace():
            self._out.append(_variable(line))
        else:
            self._out.append(line)

    def _other(self, line: str) -> None:
        self._lines_of_code = -1
        error = _ERROR.match(line)
        if error is not None and _TYPE.fullmatch(error[2]):
            self._end_message()
            self._message = [line]
        elif _DOTS.match(line):
            self._dotted = not self._dotted
            self._out.append(line)
        elif self._message and not self._is_outside(line):
            self._message.append(line)
        else:
            self._end_message()
            self._out.append(line if self._is_code(line) else _variable(line))

    def _is_outside(self, line: str) -> bool:
        return bool(_PYTEST_CODE.match(line)) and not line.startswith(" ")

    def _is_code(self, line: str) -> bool:
        return not self._dotted and _PYTEST_CODE.fullmatch(line) is not None and _ANNOTATION.match(line) is None

    def _end_message(self) -> None:
        if not self._message:
            return
        lines, self._message = self._message, []
        message = "\n".join(lines)
        error = _ERROR.match(message)
        kind = error[2] if error else ""
        prefix = len(message) - len(error[3]) if error else 0
        if error and message[prefix : prefix + 2] == ": ":
            prefix += 2
        self._out.append(message[:prefix] + without_values(message[prefix:], kind))


def _variable(line: str) -> str:
    """Return a line with the value of the variable that it shows withheld; other lines stay."""
    shown = _ANNOTATION.match(line) or _LOCAL.match(line)
    if shown is None:
        return without_values(line) if _MAY_QUOTE.search(line) else line
    value = line[shown.end() :].rstrip(" │┃")
    tail = line[shown.end() + len(value) :]
    if is_type(f"'{value}'") or _SAYS_NOTHING.match(value):
        return line
    names = [match.span(1) for match in _ARGUMENT.finditer(value)]
    if shown.re is _LOCAL and names:  # pytest's line of arguments: `name = 'Jane', score = 3`
        return _arguments(shown[1], value, names) + tail
    return f"{shown[1]}{value_mark(len(value))}{tail}"


def _arguments(first: str, values: str, names: list[tuple[int, int]]) -> str:
    pieces = [first]
    done = 0
    for start, end in names:
        pieces += (value_mark(len(values[done:start].removesuffix(", "))), ", ", values[start:end])
        done = end
    pieces.append(value_mark(len(values[done:])))
    return "".join(pieces)
