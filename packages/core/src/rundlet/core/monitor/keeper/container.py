"""A container is created by its shim, watched, and told of when it has ended."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress

from ...errors import RuntimeFailed
from ...linux.processes import start_time
from ...linux.spawn import spawn
from ...runtimes.shim import bootstrap, publish, tasks, ttrpc
from ...runtimes.shim.home import Home, Shim, Task
from .events import Events
from .log import Log
from .loop import READ, Loop
from .process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .pipes import Pipes
    from .streams import Streams

_KILLED = 128 + 9
_TIMED_OUT = -1  # as conmon writes it
_TOLD_SOON = 1.0
"""Seconds that the event of an exit may come after the exit, and with it that of its reason."""
_OFTEN = 0.01
_LOG_LIMIT = 1 << 20


def keep(job: dict[str, Any], pipes: Pipes) -> None:
    """The whole life. Raises RuntimeFailed while it is not created; nothing is left then."""
    kept = Kept(job)
    with ExitStack() as undo:
        undo.callback(kept.undo)
        pid = kept.create()
        undo.pop_all()
    pipes.answer(pid)
    pipes.close()
    kept.watch()


class Kept:
    """A container and its keeper."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.shim = Shim(**job["shim"])
        self.home = Home(self.shim.root, job["id"])
        self.loop = Loop()
        self.timed_out = False
        self._made = False  # whether the home is ours
        self._told = False  # whether the shim, also a shared one, tells its events to us
        self.process: Process
        self.streams: Streams
        self.events: Events

    def create(self) -> int:
        """Everything up to a process that waits to be started; its id."""
        job, home = self.job, self.home
        self._make_home()
        self.events = Events(self.loop, self.shim.root, home)
        started = bootstrap.start(self.shim, home, self.events.address)
        if home.address() != started.address:
            home.note_address(started.address)
        home.note(Task(job["bundle"], version=started.version))
        client = ttrpc.tasks(started.address, self.shim.namespace, started.version)
        process = self.process = Process(self.loop, home, client)
        fifos = process.fifos(home.path, stdin=job["stdin"], terminal=job["terminal"])
        log = Log(job["log_path"], job["log_size_max"])
        self.streams = process.streams(
            fifos,
            log,
            job["bundle"],
            terminal=job["terminal"],
            stdin_stays=job["stdin_stays"],
        )
        options = bootstrap.any_options(self.shim)
        terminal = bool(job["terminal"])
        made = process.call("Create", bundle=home.path, terminal=terminal, options=options, **fifos)
        pid = int(made["pid"])
        shim_pid = int(process.call("Connect")["shim_pid"])
        self._told = _tells(shim_pid, self.events.address)
        home.note(
            Task(
                job["bundle"], pid, start_time(pid), shim_pid, start_time(shim_pid), started.version
            )
        )
        with open(job["pid_file"], "w", encoding="ascii") as file:
            file.write(str(pid))
        process.watch_exit()
        return pid

    def _make_home(self) -> None:
        home = self.home
        os.makedirs(self.shim.root, mode=0o700, exist_ok=True)
        publish.install(bootstrap.publish_program(self.shim))
        try:
            os.mkdir(home.path, 0o700)
        except FileExistsError:
            raise RuntimeFailed(
                f"container {home.container} is there already", remedy="rundlet rm -f"
            ) from None
        self._made = True
        with (
            open(f"{self.job['bundle']}/config.json", "rb") as source,
            open(home.config, "wb") as target,
        ):
            target.write(source.read())
        os.mkfifo(home.log, 0o600)
        # For writing too: the shim may open it later, and again.
        words = os.open(home.log, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.loop.watch(words, READ, lambda _: self._take_words(words))

    def _take_words(self, fifo: int) -> None:
        """The shim's own log: kept beside ours, for people, up to a limit."""
        with suppress(OSError):
            data = os.read(fifo, 65536)
            with open(f"{self.job['run_dir']}/shim.log", "ab") as file:
                if file.tell() < _LOG_LIMIT:
                    file.write(data)

    def undo(self) -> None:
        """It could not be created."""
        if not self._made:
            return
        with suppress(RuntimeFailed):
            tasks.discard(self.shim, self.home)
        self.home.remove()

    def watch(self) -> None:
        """Until it has ended; then leave everything as the engine expects it."""
        if self.job["timeout"] > 0:
            self.loop.after(self.job["timeout"], self._time_out)
        code = self.process.wait()
        if code is None:
            code = self._after_a_killed_shim()
        elif code == _KILLED:
            self._wait_until_told()
        self.streams.drain()
        if self.job["sync_log"]:
            with suppress(OSError):
                self.streams.log.sync()
        if os.path.exists(self.home.oom):
            _touch(f"{self.job['run_dir']}/oom")
        self._write_exit_file(_TIMED_OUT if self.timed_out else code)
        self.streams.close()
        self._run_exit_command()
        if self._told:
            # Of its other containers, and its last events when it is asked to end.
            self.loop.until(lambda: self.process.gone)

    def _wait_until_told(self) -> None:
        """Of the end, maybe by the keeper of another container: then its reason is known, too."""
        deadline = time.monotonic() + _TOLD_SOON
        while not os.path.exists(self.home.exited) and time.monotonic() < deadline:
            self.loop.turn(_OFTEN)

    def _time_out(self) -> None:
        self.timed_out = True
        self.process.kill()

    def _after_a_killed_shim(self) -> int:
        """End what it has left running. Its exit code can only be that of SIGKILL."""
        with suppress(RuntimeFailed):
            return bootstrap.clear(self.shim, self.home)
        return _KILLED

    def _write_exit_file(self, code: int) -> None:
        path = self.job["exit_file"]
        temporary = f"{path}.new"
        with suppress(OSError):
            with open(temporary, "w", encoding="ascii") as file:
                file.write(str(code))
            os.rename(temporary, path)

    def _run_exit_command(self) -> None:
        command = self.job["exit_command"]
        if not command:
            return
        with suppress(OSError):
            spawn(
                command,
                directory="/",
                environment=dict(os.environ),
                descriptors={0: 0, 1: 1, 2: 2},
            )


def _tells(shim: int, address: str) -> bool:
    """Whether a shim was started with that address for its events."""
    try:
        with open(f"/proc/{shim}/environ", "rb") as file:
            return f"TTRPC_ADDRESS={address}".encode() in file.read().split(b"\0")
    except OSError:
        return False


def _touch(path: str) -> None:
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
