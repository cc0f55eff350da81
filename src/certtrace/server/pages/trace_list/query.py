"""What a list was asked for: from the address and back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final
from urllib.parse import urlencode

from certtrace.records.source import TraceFilter
from certtrace.server.pages.trace_list.times import time_ns_of

STATUSES: Final = ("ok", "error", "cancelled", "abandoned")
NEWEST: Final = "newest"
WITHIN: Final = (
    ("15m", "last 15 minutes"),
    ("1h", "last hour"),
    ("24h", "last 24 hours"),
    ("7d", "last 7 days"),
    ("30d", "last 30 days"),
)
_LABELS: Final = {
    "q": "text",
    "failure": "failure",
    "status": "status",
    "service": "service",
    "name": "name",
    "environment": "environment",
    "session": "session",
    "user": "user",
    "candidate": "candidate",
    "submission": "submission",
    "tag": "tag",
    "within": "started",
    "since": "from",
    "until": "until",
}
_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is on: what it says, and the address of the list without it."""

    label: str
    value: str
    without: str
    problem: str = ""
    """Why it is not applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Everything that the address of a list can say, as text."""

    q: str = ""
    failed: str = ""
    failure: str = ""
    status: str = ""
    service: str = ""
    name: str = ""
    environment: str = ""
    session: str = ""
    user: str = ""
    candidate: str = ""
    submission: str = ""
    tag: str = ""
    within: str = ""
    since: str = ""
    until: str = ""
    order: str = ""
    after: str = ""

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> "ListQuery":
        """Return what an address says; names that it does not know are left alone."""
        known = {each.name for each in fields(cls)}
        given = {name: value.strip()[:_LONGEST] for name, value in parameters.items() if name in known}
        return cls(**given)

    @property
    def is_failed_first(self) -> bool:
        """Tell whether failed traces stand before the others."""
        return self.order != NEWEST

    @property
    def has_rare_filters(self) -> bool:
        """Tell whether a filter is on that a form keeps folded away."""
        return any(
            (
                self.failure,
                self.name,
                self.environment,
                self.session,
                self.user,
                self.candidate,
                self.submission,
                self.tag,
                self.since,
                self.until,
            )
        )

    def url(self, **changes: str) -> str:
        """Return the address of this list with some changes; it begins at the first page again."""
        changed = replace(self, **{"after": "", **changes})
        given = {each.name: value for each in fields(changed) if (value := getattr(changed, each.name))}
        return f"/?{urlencode(given)}" if given else "/"

    @property
    def cleared(self) -> str:
        """Return the address of the list without any filter, in the same order."""
        return ListQuery(order=self.order).url()

    def chips(self) -> Iterator[Chip]:
        """Yield the filters that are on."""
        if self.failed:
            yield Chip("only", "failed", self.url(failed=""))
        for name, label in _LABELS.items():
            value = getattr(self, name)
            if value:
                yield Chip(label, dict(WITHIN).get(value, value), self.url(**{name: ""}), self._problem(name, value))

    def filter(self) -> TraceFilter:
        """Return which traces to list. What is not understood is left out; its chip says so."""
        return TraceFilter(
            failed=bool(self.failed),
            failure=self.failure or None,
            text=self.q or None,
            status=self.status if self.status in STATUSES else None,
            service=self.service or None,
            name=self.name or None,
            environment=self.environment or None,
            session_id=self.session or None,
            user_id=self.user or None,
            candidate=self.candidate or None,
            submission_id=self.submission or None,
            tag=self.tag or None,
            since_ns=self._since_ns(),
            until_ns=time_ns_of(self.until) if self.until else None,
        )

    def _since_ns(self) -> int | None:
        found = [moment for text in (self.since, self.within) if text and (moment := time_ns_of(text)) is not None]
        return max(found, default=None)

    def _problem(self, name: str, value: str) -> str:
        if name == "status" and value not in STATUSES:
            return f"not applied: a status is one of {', '.join(STATUSES)}"
        if name in ("since", "until", "within") and time_ns_of(value) is None:
            return "not applied: a time is 2h, 3d, 2026-11-22 or 2026-11-22T19:30"
        return ""
