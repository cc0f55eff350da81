"""All people known in a trace together: who may be in a text at all, and whom a shared name belongs to."""

from collections.abc import Callable, Iterator, Sequence

from certtrace.redaction.detect.finding import Finding
from certtrace.redaction.known.person import CompiledPerson
from certtrace.redaction.known.presence import Presence
from certtrace.redaction.known.reading import Reading, Signs
from certtrace.redaction.text.batch import Batch
from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.text.views import View


class Crowd:
    """People who are looked for together."""

    __slots__ = ("_ambiguous", "_people", "_presence", "_wide")

    def __init__(
        self, people: Sequence[CompiledPerson], ambiguous: Callable[[str], str], *, native: bool = NATIVE
    ) -> None:
        """Take the people, and what derives the digest of several people who share a name."""
        self._people = list(people)
        self._ambiguous = ambiguous
        self._wide = [person for person in people if person.is_wide]
        self._presence = Presence([person.anchors for person in people], native=native)

    def find(self, view: View) -> Iterator[Finding]:
        """Yield where the people are named in one view of a text; findings may overlap."""
        reading = Reading(view)
        found: list[Finding] = []
        for index, certain in sorted(self._presence.people(reading).items()):
            person = self._people[index]
            if certain or person.is_hinted(reading):
                found += person.find(reading)
        if self._wide and not view.text.isascii():
            for person in self._wide:
                found += person.wide(reading)
        return iter(self._settled(found) if len(self._people) > 1 and len(found) > 1 else found)

    def suspects(self, batch: Batch, suspect: set[int]) -> None:
        """Add the texts of a batch in which someone is named."""
        wide = bool(self._wide)
        # What is in none of the texts side by side, not even across their borders, is in none of them.
        near = bool(self._presence.people(Signs(batch.data, batch.low)))
        if not (near or wide):
            return
        for index, text in enumerate(batch.texts):
            if index in suspect:
                continue
            first, last = batch.span(index)
            if (wide and not text.isascii()) or (
                near and self._presence.people(Signs(batch.data[first:last], batch.low[first:last]))
            ):
                suspect.update({index} if any(True for _ in self.find(View(text))) else ())

    def _settled(self, found: list[Finding]) -> list[Finding]:
        """Give each place to one person: the longer mention wins, then whoever is named elsewhere in the text."""
        by_place: dict[tuple[int, int], list[Finding]] = {}
        for finding in found:
            by_place.setdefault((finding.start, finding.end), []).append(finding)
        claimed: list[list[Finding]] = []
        for _, claims in sorted(by_place.items(), key=lambda item: (item[0][0], -item[0][1])):
            if not claimed or claims[0].end > claimed[-1][0].end:  # else it lies inside a longer mention
                claimed.append(claims)
        alone = {claims[0].subject for claims in claimed if len({claim.subject for claim in claims}) == 1}
        return [finding for claims in claimed for finding in self._owned(claims, alone)]

    def _owned(self, claims: list[Finding], alone: set[str]) -> list[Finding]:
        subjects = sorted({claim.subject for claim in claims})
        if len(subjects) == 1:
            return claims
        named = [subject for subject in subjects if subject in alone]
        first = claims[0]
        subject = named[0] if len(named) == 1 else self._ambiguous("|".join(subjects))
        return [Finding(first.start, first.end, first.type, subject, layer=first.layer, rule=first.rule)]
