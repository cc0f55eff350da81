"""How far a pattern reaches, so that it can be searched for in windows without losing or shortening a match."""

from dataclasses import dataclass
from typing import Final

from certtrace.redaction.text import shapes

_FAR: Final = 4_096
"""How far an open end is followed at first, and everything about a pattern that cannot be read."""
GROWTH: Final = 4


@dataclass(frozen=True, slots=True)
class Extent:
    """How many bytes behind its beginning a match may need."""

    decides: int | None
    """So many tell whether a match begins at a place; None when there is no limit."""
    window: int
    """So many show the whole of a match, if it does not end within `slack` of the last."""
    slack: int
    """Where a longer match may have been cut; -1 when the window shows every match whole."""

    def is_cut(self, end: int, limit: int) -> bool:
        """Tell whether a match that ends at `end` may go on behind `limit`, where the window ends."""
        return end + self.slack >= limit if self.slack >= 0 else False


def extent(expression: bytes) -> Extent:
    """Return how far a pattern reaches; one that cannot be read is assumed to have no limit."""
    try:
        node = shapes.read(expression)
    except shapes.UnreadableError:
        return Extent(None, _FAR, _FAR // GROWTH)
    widest = shapes.most_width(node)
    if widest is not None and widest <= _FAR:
        return Extent(shapes.reach(node), widest, -1)
    decides, step = shapes.reach(node), shapes.step(node)
    if widest is not None or step is None or decides is None or decides > _FAR // 2:
        return Extent(decides, _FAR, _FAR // GROWTH)
    # A step of a repetition that does not fit into the window any more leaves up to its width unused.
    return Extent(decides, _FAR, min(step, _FAR // GROWTH))
