"""Streams between threads: one reads, decompresses or hashes ahead of who unpacks."""

from __future__ import annotations

import queue
import threading

from ..streams import RawStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ..streams import Readable

PIECE = 1 << 18
_PIECES = 16
"""4 MiB between two threads: enough to keep both busy."""


class Handed(RawStream):
    """A readable stream of the pieces that another thread hands over, a few ahead."""

    def __init__(self) -> None:
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(_PIECES)
        self._left = b""
        self._ended = False

    def hand(self, piece: bytes | BaseException) -> None:
        """Hand over the next piece, b"" at the end, or what the reader is to raise.

        Waits until there is room.
        """
        self._pieces.put(piece)

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        if not self._left and not self._ended:
            piece = self._pieces.get()
            if isinstance(piece, BaseException):
                self._ended = True
                raise piece
            self._ended = not piece
            self._left = piece
        if size >= len(self._left):
            data, self._left = self._left, b""
        else:
            data, self._left = self._left[:size], self._left[size:]
        return data

    def let_end(self, thread: threading.Thread) -> None:
        """Take what is handed over until a thread has ended: it may wait for room."""
        while thread.is_alive():
            try:
                self._pieces.get(timeout=0.02)
            except queue.Empty:
                continue


class Ahead(Handed):
    """What a stream gives, read ahead by a thread of its own. Use as a context manager.

    What reading raises is raised here where it happened. The stream is not closed.
    """

    def __init__(self, stream: Readable) -> None:
        super().__init__()
        self._stream = stream
        self._unwanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            piece = b"more"
            while piece and not self._unwanted.is_set():
                piece = self._stream.read(PIECE)
                self.hand(piece)
        except BaseException as error:
            self.hand(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unwanted.set()
        self.let_end(self._thread)
