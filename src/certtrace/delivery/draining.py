"""Delivering now what processes left that ended: the work of `certtrace spool drain`."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.delivery.sender import Delivery
from certtrace.delivery.spool import Spool
from certtrace.ports import Destination

_LOOK_SECONDS: Final = 0.1
_CLOSE_SECONDS: Final = 1.0


@dataclass(slots=True, frozen=True)
class Drained:
    """What was delivered, and what was not."""

    delivered: Mapping[str, int]
    """Payloads, by destination."""
    dead_lettered: Mapping[str, int]
    left: Mapping[str, int]
    """Payloads still owed by what was taken over, by destination."""
    reasons: Mapping[str, str]
    """Why, by destination, where it said so."""
    directories: int
    """How many ended processes' directories were found."""


def drain(
    spool: Spool,
    destinations: Sequence[Destination],
    timeout_seconds: float,
    progress: Callable[[Mapping[str, int]], object] = lambda _: None,
) -> Drained:
    """Take over every directory that nobody owns, and deliver until nothing is left or the time is over.

    Args:
        spool: Opened for this; closed by the caller.
        destinations: Where to; closed at the end.
        timeout_seconds: Longest time for all of it.
        progress: Told what is left, by destination, several times a second.
    """
    deadline = time.monotonic() + timeout_seconds
    delivery = Delivery(spool, destinations, linger_seconds=0.0)
    try:
        # Before the first delivery thread runs, so that "nothing taken over" means "nothing left" from here on.
        spool.maintain()
        directories = spool.facts().adopted_directories
        delivery.wake()
        while spool.facts().adopted_directories and time.monotonic() < deadline:
            progress(_left(delivery))
            if _is_hopeless(delivery):
                break
            time.sleep(_LOOK_SECONDS)
            spool.maintain()
        lanes = delivery.status().destinations
        return Drained(
            delivered={name: lane.delivered for name, lane in lanes.items()},
            dead_lettered={name: lane.dead_lettered for name, lane in lanes.items()},
            left=_left(delivery),
            reasons={name: lane.last_error for name, lane in lanes.items() if lane.last_error},
            directories=directories,
        )
    finally:
        delivery.close(min(_CLOSE_SECONDS, max(deadline - time.monotonic(), 0.0)))


def _left(delivery: Delivery) -> dict[str, int]:
    lanes = delivery.status().destinations
    return {name: lane.pending_units for name, lane in lanes.items() if lane.pending_units}


def _is_hopeless(delivery: Delivery) -> bool:
    """Whether whoever is owed something refuses for a reason that only an operator can mend."""
    owed = [lane for lane in delivery.status().destinations.values() if lane.pending_units]
    return bool(owed) and all(lane.paused for lane in owed)
