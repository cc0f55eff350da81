"""Text fitted into columns of a terminal, where some characters take two and some none."""

from rich.cells import cell_len, set_cell_size

from certtrace.records.safe_text import lines


def folded(text: str, room: int) -> list[str]:
    """Return text cut into lines of at most `room` columns, at spaces where there are any."""
    folded: list[str] = []
    for line in lines(text):
        at = 0
        while (end := at + _fitting(line, at, room)) < len(line):
            space = line.rfind(" ", at + room // 2, end)
            folded.append(line[at : end if space < 0 else space])
            at = end if space < 0 else space + 1
        folded.append(line[at:])
    return folded


def _fitting(line: str, at: int, room: int) -> int:
    """Return how many characters from `at` on fit into `room` columns; at least one."""
    piece = line[at : at + room]
    while len(piece) > 1 and (over := cell_len(piece) - room) > 0:
        piece = piece[: -max(over // 2, 1)]
    return max(len(piece), 1)


def cut(text: str, room: int, *, ascii_only: bool = False) -> str:
    """Return text that takes at most `room` columns; what was cut shows as an ellipsis."""
    if len(text) <= room and cell_len(text) <= room:
        return text
    mark = "..." if ascii_only else "…"
    return set_cell_size(text[:room], room - len(mark)).rstrip() + mark
