"""Signals that end a command: what it had begun is undone, and it still dies of the signal.

SIGINT (ctrl-C), SIGTERM and SIGHUP (a closed terminal) raise Interrupted in the main thread, so
that every `finally` on the way removes what is temporary. The command then ends by the same
signal: a shell sees 128 and its number, and a loop in a script ends as well, which an ordinary
exit code would not make it do.
"""

from __future__ import annotations

import _signal  # the module signal makes enums of them, for 1.5 ms
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_ENDING = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
_SAME = 2.0
"""Seconds in which more signals are the same wish: timeout(1) sends its signal twice, people
press ctrl-C again. Later ones interrupt also what undoes things."""


class Interrupted(KeyboardInterrupt):
    """Raised wherever the main thread is. number: the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class Interrupts:
    """A context in which those signals raise Interrupted.

    One that is ignored stays so (nohup, background jobs of scripts). Without effect outside the
    main thread.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._at = 0.0

    def __enter__(self) -> None:
        for number in _ENDING:
            handler = _signal.getsignal(number)
            if handler == _signal.SIG_IGN:
                continue
            try:
                _signal.signal(number, self._interrupt)
            except ValueError:
                return  # not the main thread: signals are its business
            self._before[number] = handler

    def _interrupt(self, number: int, _: object) -> None:
        now = time.monotonic()
        if self._at and now - self._at < _SAME:
            return
        self._at = now
        raise Interrupted(number)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            _signal.signal(number, handler)


def end(error: KeyboardInterrupt) -> int:
    """End this process by the signal; what the exit code says where that cannot be."""
    number = error.number if isinstance(error, Interrupted) else int(_signal.SIGINT)
    try:
        _signal.signal(number, _signal.SIG_DFL)
    except ValueError:
        return 128 + number  # not the main thread
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        pass  # nobody reads it
    os.kill(os.getpid(), number)
    return 128 + number
