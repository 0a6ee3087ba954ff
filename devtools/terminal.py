"""A real pty with a program on it, driven as a person would."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from devtools.tool import Rundlet


class Terminal:
    """A real pty with a program on it."""

    def __init__(self, tool: Rundlet, *words: str) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvpe(words[0], list(words), tool.environment)
        self.text = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def until(self, pattern: str, seconds: float = 60) -> str:
        """Read until the pattern has appeared; fails with what came instead."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            left = deadline - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.text!r}"
            if select.select([self.master], [], [], left)[0]:
                try:
                    self.text += os.read(self.master, 65536).decode(errors="replace")
                except OSError:  # the other end is closed
                    deadline = 0
        self.text = self.text[found.end() :]
        return found[0]

    def wait(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)
