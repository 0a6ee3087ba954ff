"""The client's own terminal: raw while attached, and its size."""

from __future__ import annotations

import fcntl
import os
import struct
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

_SIZE = struct.Struct("HHHH")


def size(descriptor: int) -> tuple[int, int]:
    """Rows and columns of a terminal; (0, 0) for what is none."""
    try:
        answer = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(_SIZE.size))
    except OSError:
        return 0, 0
    rows, columns, _, _ = _SIZE.unpack(answer)
    return rows, columns


class Raw:
    """A context in which a terminal is raw (cfmakeraw(3)); restored however it is left.

    Nothing happens for a descriptor that is no terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._saved: list[Any] | None = None

    def __enter__(self) -> Self:
        if self.descriptor >= 0 and os.isatty(self.descriptor):
            self._saved = termios.tcgetattr(self.descriptor)
            termios.tcsetattr(self.descriptor, termios.TCSANOW, _raw(self._saved))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._saved is not None:
            try:
                termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self._saved)
            except termios.error:
                pass  # the terminal is gone: a hung-up ssh session


def _raw(attributes: list[Any]) -> list[Any]:
    iflag, oflag, cflag, lflag, ispeed, ospeed, characters = attributes
    iflag &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
        | termios.IXON
    )
    oflag &= ~termios.OPOST
    lflag &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    cflag = cflag & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    characters = list(characters)
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    return [iflag, oflag, cflag, lflag, ispeed, ospeed, characters]
