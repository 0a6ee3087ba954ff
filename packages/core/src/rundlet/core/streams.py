"""Streams of bytes, by what is asked of them, and the base of our own ones.

Archives, layers and blobs are read from the first byte to the last, so that a file, a response
of a registry and what another thread hands over serve alike. Where a file is seeked in, or its
descriptor used, the type is `typing.BinaryIO`.
"""

from __future__ import annotations

import io

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Protocol, Self

    from _typeshed import WriteableBuffer
else:
    Protocol = object

_PIECE = 256 * 1024


class Readable(Protocol):
    """What bytes are read from: at most `size` of them, b"" at the end."""

    def read(self, size: int = ..., /) -> bytes: ...


class ReadableFile(Readable, Protocol):
    """What bytes are read from, and closed by whom it was given to."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> object: ...


class Writable(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> int: ...


class RawStream(io.RawIOBase):
    """Base of our own streams: a subclass defines `read(size)`, which waits for its bytes.

    It gives b"" at the end only, never None, and `readall()` for a size below 0.
    """

    if TYPE_CHECKING:

        def read(self, size: int = -1, /) -> bytes: ...

    def readable(self) -> bool:
        return True

    def readall(self) -> bytes:
        parts = []
        while piece := self.read(_PIECE):
            parts.append(piece)
        return b"".join(parts)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)
