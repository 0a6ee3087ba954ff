"""One process of a container, its own or an exec session's: its calls, its streams, its end."""

from __future__ import annotations

import os
from contextlib import suppress

from ...runtimes.shim import ttrpc
from .control import Control
from .log import Log
from .loop import READ, Loop
from .stdin import Input
from .streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...runtimes.shim.home import Home


class Process:
    """exec_id: "" for the container's own. directory: where its fifos are made."""

    def __init__(self, loop: Loop, home: Home, client: ttrpc.Client, exec_id: str = "") -> None:
        self.loop = loop
        self.container = home.container
        self.exec_id = exec_id
        self.gone = False
        """Whether the shim has ended."""
        self._client = client
        self._awaited: set[int] = set()
        self._exit = 0
        loop.watch(client.fileno(), READ, self._receive)

    def fifos(self, directory: str, *, stdin: bool, terminal: bool) -> dict[str, str]:
        """Make the fifos; their paths by the names that the shim's messages have."""
        names = ["stdout"]
        if stdin or terminal:
            names.append("stdin")
        if not terminal:
            names.append("stderr")
        paths = {name: f"{directory}/{name}" for name in names}
        for path in paths.values():
            os.mkfifo(path, 0o600)
        return paths

    def streams(
        self,
        fifos: dict[str, str],
        log: Log,
        bundle: str,
        *,
        terminal: bool,
        stdin_stays: bool = False,
    ) -> Streams:
        """Copy from the fifos, and serve clients at a bundle's `attach` and `ctl`."""
        stdin = None
        if "stdin" in fifos:
            stdin = Input(self.loop, fifos["stdin"], self.close_stdin, stays=stdin_stays)
        streams = Streams(self.loop, log, stdin, terminal=terminal)
        streams.open({name: path for name, path in fifos.items() if name != "stdin"})
        Control(self.loop, bundle, self.resize, log.reopen)
        streams.listen(bundle)
        return streams

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """A call and its answer; all else is served meanwhile. Raises Refused, Gone."""
        stream = self._send(method, **values)
        self.loop.until(lambda: self._answered(stream))
        return self._answer(stream)

    def _send(self, method: str, **values: Any) -> int:
        stream = self._client.send(method, id=self.container, **values)
        self._awaited.add(stream)
        return stream

    def _answered(self, stream: int) -> bool:
        return self.gone or stream in self._client.answers

    def _answer(self, stream: int) -> dict[str, Any]:
        self._awaited.discard(stream)
        if stream not in self._client.answers:
            raise ttrpc.Gone("the shim has ended")
        return self._client.answer(stream)

    def _receive(self, _: int) -> None:
        try:
            self._client.receive()
        except ttrpc.Gone:
            self.gone = True
            self.loop.forget(self._client.fileno())
        for stream in [one for one in self._client.answers if one not in self._awaited]:
            del self._client.answers[stream]  # nobody waits for it

    def _tell(self, method: str, **values: Any) -> None:
        """A call whose answer does not matter."""
        with suppress(ttrpc.Gone):
            self._client.send(method, id=self.container, exec_id=self.exec_id, **values)

    def resize(self, rows: int, columns: int) -> None:
        self._tell("ResizePty", width=columns, height=rows)

    def close_stdin(self) -> None:
        """Our end of it is closed; the shim has one, too."""
        self._tell("CloseIO", stdin=True)

    def kill(self) -> None:
        self._tell("Kill", signal=9, all=not self.exec_id)

    def watch_exit(self) -> None:
        """Ask for the exit code, which comes with the exit. Raises Gone."""
        self._exit = self._send("Wait", exec_id=self.exec_id)

    def wait(self) -> int | None:
        """Until the process has ended: its exit code; None when its shim was killed before."""
        self.loop.until(lambda: self._answered(self._exit))
        try:
            return int(self._answer(self._exit)["exit_status"])
        except (ttrpc.Gone, ttrpc.Refused):
            return None
