"""A readable stream of what a function writes: two halves of a copy, each in its thread."""

from __future__ import annotations

import fcntl
import os
import threading

from ..streams import RawStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from ..streams import Writable

_PIPE = 1 << 20
_PIECE = 1 << 18


class Produced(RawStream):
    """Reads what `write(file)` writes. Use as a context manager: leaving it ends the writer.

    What `write` raises is raised by the read that comes to the end, so that a reader never
    takes a part for the whole.
    """

    def __init__(self, write: Callable[[Writable], object]) -> None:
        self._write = write
        self._error: BaseException | None = None
        self._end, self._other_end = os.pipe()
        try:
            fcntl.fcntl(self._end, fcntl.F_SETPIPE_SZ, _PIPE)
        except OSError:
            pass  # above the user's limit: a smaller pipe is only slower
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with open(self._other_end, "wb", buffering=_PIECE) as out:
                self._write(out)
        except BrokenPipeError:
            return  # the reader has seen enough
        except BaseException as error:
            self._error = error

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        data = os.read(self._end, size)
        if not data and size:
            self._thread.join()
            if self._error is not None:
                raise self._error
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._end)
        self._thread.join()
