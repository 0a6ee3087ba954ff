"""A blob on its way into the store, read at the same time by who unpacks it."""

from __future__ import annotations

import io
import queue
import threading
from typing import TYPE_CHECKING

from ..content.compress import compressed, detect
from ..errors import Corrupt, RundletError
from . import manifest as manifests

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, BinaryIO, Self

    from ..content.store import BlobStore
    from .descriptor import Descriptor

_PIECE = 1 << 18
_PIECES = 16
"""4 MiB between who reads from the network and who unpacks: enough to keep both busy."""


class Feed(io.RawIOBase):
    """A readable stream of a blob's bytes; a thread reads ahead and writes them to the store.

    A plain layer is compressed on its way. `finish` makes the blob visible; leaving the
    `with` without it discards what was written.
    """

    def __init__(self, blobs: BlobStore, descriptor: Descriptor, stream: BinaryIO) -> None:
        self._stream = stream
        self._first = stream.read(_PIECE)
        plain = manifests.is_layer(descriptor.media_type) and not detect(self._first[:6])
        self._algorithm = "gzip" if plain else ""
        wanted = descriptor.replace(digest="", size=-1) if plain else descriptor
        self._writer = blobs.writer(wanted)
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(_PIECES)
        self._left = b""
        self._ended = False
        self._committed: Descriptor | None = None
        self._aborted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="blob", daemon=True)
        self._thread.start()

    # --- the thread that reads ahead

    def _run(self) -> None:
        try:
            body = compressed(_Tapped(self._take), self._algorithm)  # type: ignore[arg-type]
            while piece := body.read(_PIECE):
                self._writer.write(piece)
            self._committed = self._writer.commit()
            self._pieces.put(b"")
        except BaseException as error:
            self._pieces.put(error)

    def _take(self) -> bytes:
        """The next piece of the source, shown to who unpacks."""
        if self._aborted.is_set():
            raise _Aborted("aborted")
        piece, self._first = self._first or self._stream.read(_PIECE), b""
        if piece:
            self._pieces.put(piece)
        return piece

    # --- for who unpacks

    def readable(self) -> bool:
        return True

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

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def finish(self) -> Descriptor:
        """Take what is left; the blob as it was stored. Raises what its checks raised."""
        while self.read(_PIECE):
            pass
        self._thread.join()
        if self._committed is None:
            raise Corrupt("the blob ended early")
        return self._committed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._aborted.set()
        while self._thread.is_alive():  # it may wait for room in the queue
            try:
                self._pieces.get(timeout=0.02)
            except queue.Empty:
                continue
        self._writer.abort()


class _Tapped:
    """What the compressor reads from."""

    def __init__(self, take: Any) -> None:
        self._take = take

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._take()
        return piece

    def close(self) -> None:
        """Nothing is held."""


class _Aborted(RundletError):
    """Ends the reading thread; never shown."""
