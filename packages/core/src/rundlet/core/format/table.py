"""Tables as podman prints them: columns as wide as their widest cell, two spaces between."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


MINIMUM = 10
"""Podman's columns are twelve wide at least, the two spaces after them included."""


def table(rows: Iterable[Sequence[str]]) -> str:
    """The lines of a table, each ended. A first row is the heading."""
    cells = [list(row) for row in rows]
    if not cells:
        return ""
    columns = max(len(row) for row in cells)
    widths = [MINIMUM] * columns
    for row in cells:
        for number, cell in enumerate(row):
            if len(cell) > widths[number]:
                widths[number] = len(cell)
    lines = []
    for row in cells:
        last = len(row) - 1
        # As Go's tabwriter: every cell but the last one is padded, the last one is as it is.
        lines.append(
            "".join(
                cell if number == last else cell.ljust(widths[number] + 2)
                for number, cell in enumerate(row)
            )
        )
    return "\n".join(lines) + "\n"
