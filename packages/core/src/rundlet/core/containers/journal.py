"""Reading what conmon wrote to the journal (`--log-driver journald`), by journalctl(1).

conmon's fields: CONTAINER_ID_FULL, PRIORITY (6 of stdout, 3 of stderr), and
CONTAINER_PARTIAL_MESSAGE where a line goes on.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time

from ..errors import NotSupported
from ..runtimes.facts import find
from . import ending
from .logs import Joiner
from .state import derive, has_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..engine import Engine
    from ..state.containers import Container
    from .logs import LogLine, LogOptions

_ERROR = "3"  # syslog(3): what conmon gives to stderr


def lines(engine: Engine, row: Container, options: LogOptions) -> Iterator[LogLine]:
    """The lines, as of a file. Raises NotSupported where there is no journalctl."""
    journal = _Journal(row.id)
    kept = list(journal.read())
    if options.tail >= 0:
        wanted = max(0, options.tail - journal.joiner.open_lines())
        kept = kept[len(kept) - wanted :] if wanted < len(kept) else kept
    yield from kept
    true = derive(engine, row)
    if options.follow and has_process(true):
        yield from journal.follow(true.pid)
        ending.wait_exit_file(engine, row)
        journal.sync()
        yield from journal.read()
    yield from journal.joiner.rest()


class _Journal:
    """The entries of one container, each read once: the cursor of the last one is kept."""

    def __init__(self, container: str) -> None:
        program = find(("journalctl",))
        if not program:
            raise NotSupported(
                "logs of the log driver 'journald' are read by journalctl, which is not here",
                remedy="apt install systemd",
            )
        self.joiner = Joiner()
        self._program = program
        self._match = f"CONTAINER_ID_FULL={container}"
        self._cursor = ""

    def _words(self, *more: str) -> list[str]:
        after = [f"--after-cursor={self._cursor}"] if self._cursor else []
        return [self._program, "--quiet", "--no-pager", "--output=json", "--all", *after, *more,
                self._match]  # fmt: skip

    def sync(self) -> None:
        """Wait until the journal has written all that it was sent."""
        subprocess.run([self._program, "--sync"], stderr=subprocess.DEVNULL, check=False)

    def read(self) -> Iterator[LogLine]:
        """What is there by now."""
        with subprocess.Popen(
            self._words(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            for text in process.stdout:
                yield from self._entry(text)

    def follow(self, pid: int) -> Iterator[LogLine]:
        """What comes until a process ends."""
        try:
            watched = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        words = self._words("--follow", "--lines=all")
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            try:
                poll = select.poll()
                poll.register(watched, select.POLLIN)
                poll.register(process.stdout, select.POLLIN)
                unread = b""
                while True:
                    ready = {descriptor for descriptor, _ in poll.poll()}
                    if process.stdout.fileno() not in ready:
                        return
                    data = os.read(process.stdout.fileno(), 65536)
                    if not data:
                        return
                    *whole, unread = (unread + data).split(b"\n")
                    for text in whole:
                        yield from self._entry(text)
            finally:
                process.kill()
                os.close(watched)

    def _entry(self, text: bytes) -> Iterator[LogLine]:
        try:
            entry: dict[str, Any] = json.loads(text)
        except ValueError:
            return
        self._cursor = entry.get("__CURSOR", self._cursor)
        message = entry.get("MESSAGE") or ""
        data = bytes(message) if isinstance(message, list) else str(message).encode()
        data = data.removesuffix(b"\n")  # conmon before 2.1.8 sends it too
        stream = b"stderr" if entry.get("PRIORITY") == _ERROR else b"stdout"
        part = b"P" if entry.get("CONTAINER_PARTIAL_MESSAGE") == "true" else b"F"
        when = _time(int(entry.get("__REALTIME_TIMESTAMP", 0))).encode()
        yield from self.joiner.add(b" ".join((when, stream, part, data)))


def _time(microseconds: int) -> str:
    """As in conmon's files."""
    seconds, rest = divmod(microseconds, 10**6)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:06d}000+00:00"
