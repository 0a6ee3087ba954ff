"""--sig-proxy: signals that we get while attached are the container's."""

from __future__ import annotations

import _signal  # the module signal makes enums of them, for 1.5 ms

from ..errors import RundletError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

    from ..engine import Engine
    from ..state.containers import ContainerRow

# Those that a terminal, a session manager or a user sends on purpose; the others are about us
# (SIGCHLD, SIGWINCH, SIGPIPE, faults) or cannot be caught.
_FORWARDED = ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "CONT", "ALRM", "IO", "PWR")


class Forwarding:
    """A context in which signals are passed on; without effect outside the main thread."""

    def __init__(self, engine: Engine, row: ContainerRow, wanted: bool = True) -> None:
        self.engine = engine
        self.row = row
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
        try:
            self.engine.plugins.runtime(self.row.runtime).kill(self.row.id, number)
        except RundletError:
            return  # it has just ended

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before:
            for number, handler in self._before.items():
                _signal.signal(number, handler)
