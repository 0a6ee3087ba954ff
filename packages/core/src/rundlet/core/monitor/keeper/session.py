"""An exec session: one more process in a container, by the shim of that."""

from __future__ import annotations

from contextlib import suppress

from ...errors import RuntimeFailed
from ...runtimes.shim import tasks
from ...runtimes.shim.api import PROCESS_SPEC
from ...runtimes.shim.home import Home, Shim
from .log import Log
from .loop import Loop
from .process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .pipes import Pipes


def keep(job: dict[str, Any], pipes: Pipes) -> None:
    """Run it to its end. Raises RuntimeFailed when it cannot be started."""
    shim = Shim(**job["shim"])
    home = Home(shim.root, job["container"])
    process = Process(Loop(), home, tasks.connect(shim, home), job["session"])
    fifos = process.fifos(job["bundle"], stdin=job["stdin"], terminal=job["terminal"])
    streams = process.streams(fifos, Log(""), job["bundle"], terminal=job["terminal"])
    pipes.listening()
    pid = _start(process, job, fifos)
    process.watch_exit()
    pipes.answer(pid)
    code = process.wait()
    streams.drain()
    streams.close()
    with suppress(RuntimeFailed):
        process.call("Delete", exec_id=process.exec_id)
    if code is not None:
        pipes.answer(code)


def _start(process: Process, job: dict[str, Any], fifos: dict[str, str]) -> int:
    with open(job["process"], "rb") as file:
        spec = {"type_url": PROCESS_SPEC, "value": file.read()}
    terminal = bool(job["terminal"])
    process.call("Exec", exec_id=process.exec_id, terminal=terminal, spec=spec, **fifos)
    try:
        return int(process.call("Start", exec_id=process.exec_id)["pid"])
    except RuntimeFailed:
        with suppress(RuntimeFailed):
            process.call("Delete", exec_id=process.exec_id)
        raise
