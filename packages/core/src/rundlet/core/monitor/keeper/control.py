"""The fifo `ctl` of a bundle: lines "TYPE ROWS COLUMNS", as conmon has them."""

from __future__ import annotations

import os

from ..program import REOPEN_LOG, RESIZE
from .loop import READ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .loop import Loop


class Control:
    """Reads the fifo. resize(rows, columns), reopen(): what its messages ask for."""

    def __init__(
        self,
        loop: Loop,
        bundle: str,
        resize: Callable[[int, int], None],
        reopen: Callable[[], None],
    ) -> None:
        path = f"{bundle}/ctl"
        if os.path.lexists(path):
            os.unlink(path)
        os.mkfifo(path, 0o600)
        # For writing too, so that it has no end when a writer closes it.
        self._fifo = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._resize = resize
        self._reopen = reopen
        loop.watch(self._fifo, READ, self._ready)

    def _ready(self, _: int) -> None:
        try:
            data = os.read(self._fifo, 4096)
        except BlockingIOError:
            return
        for line in data.splitlines():
            words = line.split()
            if len(words) != 3 or not all(word.isdigit() for word in words):
                continue
            kind, rows, columns = (int(word) for word in words)
            if kind == RESIZE:
                self._resize(rows, columns)
            elif kind == REOPEN_LOG:
                self._reopen()
