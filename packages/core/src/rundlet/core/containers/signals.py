"""--sig-proxy: signals that we get while attached are the container's, or an exec session's."""

from __future__ import annotations

import _signal  # the module signal makes enums of them, for 1.5 ms
import os

from ..errors import RundletError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Self

    from ..engine import Engine
    from ..state.containers import ContainerRow

# Those that a terminal, a session manager or a user sends on purpose; the others are about us
# (SIGCHLD, SIGWINCH, SIGPIPE, faults) or cannot be caught.
_FORWARDED = ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "CONT", "ALRM", "IO", "PWR")


class Forwarding:
    """A context in which signals are passed on; without effect outside the main thread.

    send: passes one on; False where nobody is there to have it: then it is ours again, and so
    are those that follow.
    """

    def __init__(self, send: Callable[[int], bool], wanted: bool = True) -> None:
        self._send = send
        self.wanted = wanted
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if not self.wanted:
            return self
        for name in _FORWARDED:
            number = getattr(_signal, f"SIG{name}")
            try:
                self._before[number] = _signal.signal(number, self._forward)
            except ValueError:
                break  # not the main thread: signals are its business
        return self

    def _forward(self, number: int, _: object) -> None:
        if not self._send(number):
            self.__exit__(None, None, None)
            os.kill(os.getpid(), number)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            _signal.signal(number, handler)
        self._before.clear()


def to_container(engine: Engine, row: ContainerRow) -> Callable[[int], bool]:
    """Sends signals to the first process of a container, which we wait for whatever comes."""

    def send(number: int) -> bool:
        try:
            engine.plugins.runtime(row.runtime).kill(row.id, number)
        except RundletError:
            pass  # it has just ended
        return True

    return send
