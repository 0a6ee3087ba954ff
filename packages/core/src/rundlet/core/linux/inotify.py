"""inotify(7): being told when a file appears, rather than looking again and again."""

from __future__ import annotations

import ctypes
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

IN_MODIFY = 0x2
IN_CLOSE_WRITE = 0x8
IN_MOVED_FROM = 0x40
IN_CREATE = 0x100
IN_MOVED_TO = 0x80
IN_DELETE = 0x200

_HEADER = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """An inotify descriptor on one path. Raises OSError naming the path."""

    def __init__(self, path: str, mask: int) -> None:
        self.descriptor = _checked(_libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), path)
        try:
            _checked(_libc.inotify_add_watch(self.descriptor, os.fsencode(path), mask), path)
        except OSError:
            os.close(self.descriptor)
            raise

    def fileno(self) -> int:
        return self.descriptor

    def drain(self) -> list[str]:
        """The names of all events that are there, "" for the path itself; does not block."""
        names: list[str] = []
        while True:
            try:
                data = os.read(self.descriptor, 65536)
            except BlockingIOError:
                return names
            offset = 0
            while offset < len(data):
                size = _HEADER.unpack_from(data, offset)[3]
                offset += _HEADER.size
                names.append(os.fsdecode(data[offset : offset + size].rstrip(b"\0")))
                offset += size

    def close(self) -> None:
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _checked(result: int, path: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result
