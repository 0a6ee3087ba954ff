"""Deleting many files or trees: each waits for the disk, so that several go at a time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FEW = 8
"""So many are gone before threads would be imported and started."""
_AT_ONCE = 4


def delete_each(paths: Sequence[str], delete: Callable[[str], None]) -> None:
    """Call `delete` with each path, in any order. Raises what the first one raised."""
    if len(paths) <= _FEW:
        for path in paths:
            delete(path)
        return
    from functools import partial

    from ..together import together

    together([partial(delete, path) for path in paths], _AT_ONCE)
