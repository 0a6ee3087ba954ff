"""A blob on its way into the store, read at the same time by who unpacks it."""

from __future__ import annotations

import threading

from ..content.compress import compressed, detect
from ..content.handed import PIECE, Handed
from ..content.verify import checker
from ..errors import Corrupt, RundletError
from ..streams import RawStream
from . import manifest as manifests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from ..content.store import BlobStore
    from ..streams import ReadableFile
    from .descriptor import Descriptor


class Feed(Handed):
    """A readable stream of a blob's bytes; a thread reads ahead and writes them to the store.

    A plain layer is compressed on its way. `finish` makes the blob visible; leaving the
    `with` without it discards what was written.
    """

    def __init__(self, blobs: BlobStore, descriptor: Descriptor, stream: ReadableFile) -> None:
        super().__init__()
        self._stream = stream
        checked = checker(stream, descriptor)
        self._first = stream.read(PIECE)
        plain = manifests.is_layer(descriptor.media_type) and not detect(self._first[:6])
        self._algorithm = "gzip" if plain else ""
        wanted = descriptor.replace(digest="", size=-1) if plain else descriptor
        self._writer = blobs.writer(wanted, None if plain else checked)
        self._committed: Descriptor | None = None
        self._aborted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="blob", daemon=True)
        self._thread.start()

    # --- the thread that reads ahead

    def _run(self) -> None:
        try:
            body = compressed(_Tapped(self._take), self._algorithm)
            while piece := body.read(PIECE):
                self._writer.write(piece)
            self._committed = self._writer.commit()
            self.hand(b"")
        except BaseException as error:
            self.hand(error)

    def _take(self) -> bytes:
        """The next piece of the source, shown to who unpacks."""
        if self._aborted.is_set():
            raise _Aborted("aborted")
        piece, self._first = self._first or self._stream.read(PIECE), b""
        if piece:
            self.hand(piece)
        return piece

    # --- for who unpacks

    def finish(self) -> Descriptor:
        """Take what is left; the blob as it was stored. Raises what its checks raised."""
        while self.read(PIECE):
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
        self.let_end(self._thread)
        self._writer.abort()


class _Tapped(RawStream):
    """What the compressor reads from."""

    def __init__(self, take: Callable[[], bytes]) -> None:
        self._take = take

    def read(self, size: int = -1, /) -> bytes:
        return self._take()


class _Aborted(RundletError):
    """Ends the reading thread; never shown."""
