"""Find a date of birth however it is written."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from certtrace.redaction.known.reading import Reading
from certtrace.redaction.text.engine import Groups, Matcher, matcher
from certtrace.redaction.text.fairness import Turns
from certtrace.redaction.text.folding import fold
from certtrace.redaction.text.lazy import lazy

_MONTHS: Final = """
    january januar janvier enero gennaio januari janeiro tammikuu ocak leden styczen stycznia ianuarie januar ledna jan
    february februar fevrier febrero febbraio februari fevereiro helmikuu subat unor luty lutego februarie unora feb
    march marz mars marzo maart marco maaliskuu mart brezen marzec marca martie marts brezna mar
    april abril aprile avril huhtikuu nisan duben kwiecien kwietnia aprilie dubna aprill apr
    may mai mayo maggio mei maio toukokuu mayis kveten maj maja kvetna maerz_ may
    june juni juin junio giugno junho kesakuu haziran cerven czerwiec czerwca iunie cervna jun
    july juli juillet julio luglio julho heinakuu temmuz cervenec lipiec lipca iulie cervence jul
    august aout agosto augustus augusti elokuu agustos srpen sierpien sierpnia srpna aug
    september septembre septiembre settembre setembro syyskuu eylul zari wrzesien wrzesnia septembrie sept sep
    october oktober octobre octubre ottobre outubro lokakuu ekim rijen pazdziernik pazdziernika octombrie rijna oct okt
    november novembre noviembre novembro marraskuu kasim listopad listopada noiembrie listopadu nov
    december dezember decembre diciembre dicembre dezembro joulukuu aralik prosinec grudzien grudnia decembrie dec dez
"""
_MONTH: Final = {
    name.encode(): index for index, line in enumerate(_MONTHS.strip().splitlines(), 1) for name in line.split()
}
_EXPRESSIONS: Final = (
    rb"([0-9]{1,4})[ \t]?[./ -][ \t]?([0-9]{1,2})[ \t]?[./ -][ \t]?([0-9]{1,4})",
    rb"([0-9]{4})([0-9]{2})([0-9]{2})",
    rb"([0-9]{2})([0-9]{2})([0-9]{4})",
    rb"([0-9]{1,2})(?:st|nd|rd|th|er|o|\.)?[ \t-]{0,2}(?:of |de |day of )?([a-z]{3,12})\.?,?[ \t-]{0,2}(?:of |de )?"
    rb"'?([0-9]{2,4})",
    rb"([a-z]{3,12})\.?[ \t-]{0,2}(?:the )?([0-9]{1,2})(?:st|nd|rd|th|\.)?,?[ \t-]{0,2}([0-9]{4})",
    rb"([0-9]{4})[ \t.,-]{1,2}([a-z]{3,12})[ \t.-]{1,2}([0-9]{1,2})",
)
_PATTERNS: Final[dict[bool, tuple[Matcher, ...]]] = {
    native: tuple(matcher(expression, native=native) for expression in _EXPRESSIONS) for native in (False, True)
}
_CENTURY: Final = 100


class BirthDate:
    """One known date of birth."""

    __slots__ = ("_date", "_digits", "_native")

    def __init__(self, born: date, *, native: bool) -> None:
        self._date = born
        self._native = native
        year, short = f"{born.year:04}", f"{born.year % _CENTURY:02}"
        days, months = {f"{born.day:02}", f"{born.day}"}, {f"{born.month:02}", f"{born.month}"}
        pairs = [(day, month) for month in months for day in days]
        # Whatever shows all four digits of the year shows one of these as well.
        signs = {year} | {first + second + short for pair in pairs for first, second in (pair, pair[::-1])}
        self._digits = frozenset(sign.encode() for sign in signs)

    @property
    def digits(self) -> frozenset[bytes]:
        """Digits of which some follow each other in every text that holds the date."""
        return self._digits

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield where the date stands."""
        digits = reading.digits
        if not any(map(digits.__contains__, self._digits)):
            return
        for pattern in _PATTERNS[self._native]:
            place, turns = 0, Turns()
            while (groups := pattern.next(reading.low, place)) is not None:
                turns.step()
                start, end = groups[0]
                found = self._is_it(reading.low, groups)
                if found:
                    yield start, end
                place = end if found else groups[1][1]

    def _is_it(self, low: bytes, groups: Groups) -> bool:
        start, end = groups[0]
        if low[max(0, start - 1) : start].isdigit() or low[end : end + 1].isdigit():
            return False
        parts = [_number(low[first:last]) for first, last in groups[1:]]
        born = self._date
        years = (born.year, born.year % _CENTURY)
        named = [index for index, (first, last) in enumerate(groups[1:]) if low[first:last].isalpha()]
        if named:
            others = [part for index, part in enumerate(parts) if index != named[0]]
            return (parts[named[0]] == born.month and others in ([born.day, year] for year in years)) or (
                parts[named[0]] == born.month and others == [born.year, born.day]
            )
        return parts == [born.year, born.month, born.day] or any(
            parts in ([born.day, born.month, year], [born.month, born.day, year]) for year in years
        )


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else _MONTH.get(text, 0)


_ISO: Final = lazy(r"([0-9]{4})[-./]?([0-9]{1,2})[-./]?([0-9]{1,2})(?:[T ].*)?")
_DAY_FIRST: Final = lazy(r"([0-9]{1,2})[-./ ]([0-9]{1,2})[-./ ]([0-9]{4})")
_NAMED: Final = lazy(r"([0-9]{1,2})?[a-z.]{0,2} ?([a-z]{3,12})\.? ?([0-9]{1,2})?[a-z]{0,2},? ?([0-9]{4})")


def birth_dates(value: str) -> list[date]:
    """Return the dates that a text can mean: 03/05/1990 is two of them; none when it is no date."""
    plain = fold(value).strip().lower()
    if match := _ISO.fullmatch(plain):
        return _dates([(int(match[1]), int(match[2]), int(match[3]))])
    if match := _DAY_FIRST.fullmatch(plain):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        return _dates([(year, second, first), (year, first, second)])
    if match := _NAMED.fullmatch(plain):
        month, day = _MONTH.get(match[2].encode(), 0), match[1] or match[3]
        return _dates([(int(match[4]), month, int(day))]) if day else []
    return []


def _dates(triples: list[tuple[int, int, int]]) -> list[date]:
    found: dict[date, None] = {}
    for year, month, day in triples:
        try:
            found[date(year, month, day)] = None
        except ValueError:
            continue  # the other order is the date
    return list(found)
