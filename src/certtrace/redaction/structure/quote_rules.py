"""How the messages of Python, its libraries and of databases quote a value: what stands before it or behind it."""

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["value", "line", "rest", "strings"]


@dataclass(frozen=True, slots=True)
class Before:
    """A value that follows fixed words."""

    literal: str
    """Stands in every message of the kind."""
    expression: re.Pattern[str]
    """Matches what stands before the value, up to its first sign."""
    kind: Kind = "value"
    """`value`: one representation; `line`: all up to the end of the line; `rest`: all that follows; `strings`: every
    string in quotes up to the end of the line."""
    until: re.Pattern[str] | None = None
    """What stands behind the value, where its end cannot be told from its form."""
    numbers: bool = False


def _before(
    literal: str, expression: str = "", *, kind: Kind = "value", until: str = "", numbers: bool = False
) -> Before:
    return Before(
        literal,
        re.compile(expression or re.escape(literal)),
        kind,
        re.compile(until) if until else None,
        numbers,
    )


_OF_CODE: Final = r"[\w .-]{0,60}(?:argument|attribute|field|column|keyword|parameter|option|module|syntax)"
_OF_DATA: Final = r"(?:value|date|time|e-?mail|url|URL|port|address|number|phone|name|id|identifier|token|key)"

BEFORE: Final = (
    # pydantic: the representation is cut in its middle, so that its form says nothing.
    _before("input_value=", until=r", input_type=[\w.\[\], ]+\](?=\n|\Z|\s)", numbers=True),
    _before("input", r"""['"]loc['"].{0,400}?['"]input['"] ?: ?""", numbers=True),
    # Python
    _before("invalid literal for ", r"[Ii]nvalid literal for (?:int\(\) with base [0-9]+|Fraction|Decimal): "),
    _before("Invalid literal for ", r"Invalid literal for \w+: "),
    _before("could not convert ", r"could not convert \w+ to \w+: ", kind="line"),
    _before("could not ", r"[Cc]ould not (?:convert|parse|interpret|decode|read|understand)[^'\"“\n]{0,40}?(?=['\"])"),
    _before("time data ", r"time data "),
    _before("unconverted data remains: ", kind="line"),
    _before("isoformat string", r"(?:Invalid|invalid) isoformat string: "),
    _before("string format: ", r"Unknown (?:string|datetime string) format[^:\n]{0,40}: ", kind="line"),
    _before("does not contain a date: ", kind="line"),
    _before("No time zone found with key ", kind="line"),
    _before("rrno ", r"\[(?:Errno|WinError) -?[0-9]+\] [^:\n]{1,200}: "),
    _before("can't encode character", r"can't encode characters? (?=')"),
    _before("UnicodeDecodeError(", r"UnicodeDecodeError\('[\w-]{1,40}', "),
    _before("UnicodeEncodeError(", r"UnicodeEncodeError\('[\w-]{1,40}', "),
    _before("invalid choice: ", numbers=True),
    _before("unrecognized arguments: ", kind="line"),
    _before("malformed node or string", r"malformed node or string(?: on line [0-9]+)?: "),
    _before("KeyError: ", r"\bKeyError: ", numbers=True),
    _before("KeyError(", r"\bKeyError\(", numbers=True),
    # What libraries have in common: a colon or a verb, then the value in quotes
    _before("got ", r"\bgot:? (?=[bBuU]?['\"{\[(<])", numbers=True),
    _before("Got: ", r"\bGot: ", kind="rest"),
    _before("eceived ", r"\b[Rr]eceived:? (?=[bBuU]?['\"{\[(<])"),
    _before("given ", r"\bgiven:? (?=[bBuU]?['\"])"),
    _before("nvalid ", rf"\b[Ii]nvalid (?!{_OF_CODE})[\w .-]{{1,60}}: (?=[bBuU]?['\"{{\[(<“])"),
    _before("nvalid ", rf"\b[Ii]nvalid (?:\w+ )?{_OF_DATA} (?=[bBuU]?['\"])"),
    _before("nexpected value", r"\b[Uu]nexpected value:? (?=[bBuU]?['\"{\[(<])"),
    _before("value ", r"\b[Vv]alue:? (?=[bBuU]?['\"{\[(<])"),
    # Models' answers that a parser quotes
    _before("json output: ", r"[Ii]nvalid json output: ", kind="rest"),
    _before("LLM output", r"(?:Could not|Failed to) parse LLM output: ", kind="rest"),
    _before("from completion ", r"Failed to parse \w+ from completion ", kind="rest"),
    # Databases
    _before("Key (", r"Key \((?:[^()\n]|\([^()\n]*\)){1,400}\)=\(", until=r"\) (?:already|is |conflicts|must)|\n|\Z"),
    _before("Failing row contains (", until=r"\)\.?(?=\n|\Z)"),
    _before("[parameters: ", until=r"\](?=\n|\Z)"),
    _before("[SQL: ", kind="strings"),
    _before("LINE ", r"(?m:^)LINE [0-9]+: ", kind="strings"),
    _before("invalid input ", r"invalid input (?:syntax|value) for (?:type |enum )?[\w .]{1,60}: "),
    _before("invalid input for query argument", r"invalid input for query argument \$[0-9]+(?: in element #[0-9]+)?: "),
    _before("out of range: ", r"out of range: (?=['\"])"),
    _before(", column ", r"COPY [\w.\"]{1,130}, line [0-9]+, column [\w\"]{1,70}: "),
    _before("Duplicate entry ", r"Duplicate entry "),
    _before("ncorrect ", r"(?i:incorrect) [\w ]{1,40} value: "),
    _before("dup key: ", kind="line"),
    # JSON Schema, XML, YAML: the offending part stands below
    _before("On instance", r"On instance(?:\[[^\]\n]{0,100}\])*:\n", kind="rest"),
    # attrs
    _before("(got ", r"\(got ", numbers=True),
    _before("Attribute(name=", r"Attribute\(name=[^\n]{0,400}<class '[\w.]{1,100}'>, "),
    _before("not one of the available choices", r"Select a valid choice\. ", until=r" is not one of the available"),
)
"""What stands before a value."""

BEHIND: Final = tuple(
    (words, re.compile(rf"{re.escape(words)}{more}"))
    for words, more in (
        (" is not a valid ", r"(?=[\w“'\"])"),
        (" is not in ", r"(?:list|deque|tuple|range|\[|\()"),
        (" does not match ", r"(?=['\"]|format|the|regex|pattern)"),
        (" does not appear to be an IPv4", ""),
        (" does not appear to be an IPv6", ""),
        (" has host bits set", ""),
        (" is not of type ", ""),
        (" is not one of ", ""),
        (" is not a ", r"(?=['\"])"),
        (" is not an allowed", ""),
        (" is not valid under ", ""),
        (" is too short", ""),
        (" is too long", ""),
        (" is not a multiple of ", ""),
        (" is less than the minimum", ""),
        (" is greater than the maximum", ""),
        (" has non-unique elements", ""),
        (" should be non-empty", ""),
        (" should not be valid under ", ""),
        (" does not have enough properties", ""),
        (" has too many properties", ""),
        (" is not allowed for ", ""),
        (" does not contain items matching", ""),
        (" doesn't)", ""),
        (" value must be ", ""),
        (" value has ", ""),
        (" not found in ", r"(?=['\"\[({])"),
        (" unexpectedly found in ", ""),
    )
)
"""What stands behind a value that begins a message or stands in quotes."""
