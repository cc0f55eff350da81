"""Which accepted sequences have their content: what remains open after a crash is known by this."""


class Settlement:
    """A low-water mark and the numbers above it. Not thread-safe: its owner holds a lock."""

    __slots__ = ("above", "low")

    def __init__(self, low: int = 1, above: set[int] | None = None) -> None:
        """Take the state; every number below `low` is settled."""
        self.low = low
        self.above = above or set()

    def settle(self, sequence: int) -> bool:
        """Note that the sequence needs nothing more; return whether that is new."""
        if self.is_settled(sequence):
            return False
        self.above.add(sequence)
        while self.low in self.above:
            self.above.remove(self.low)
            self.low += 1
        return True

    def is_settled(self, sequence: int) -> bool:
        """Whether the sequence needs nothing more."""
        return sequence < self.low or sequence in self.above

    def count(self) -> int:
        """Return how many numbers need nothing more."""
        return self.low - 1 + len(self.above)
