"""Writing a container's log in the k8s-file format, as conmon does; containers/logs.py reads it."""

from __future__ import annotations

import os
import time


class Log:
    """path: "" for no log. size_max: bytes, after which the file is started anew; -1 unlimited.

    A disk that is full loses lines; the container goes on, and what is attached sees all.
    """

    def __init__(self, path: str, size_max: int = -1) -> None:
        self.path = path
        self.size_max = size_max
        self._file = -1
        self._size = 0
        self._second = -1
        self._date = ""
        self._zone = ""
        if path:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            self._size = os.fstat(self._file).st_size

    def write(self, stream: str, data: bytes) -> None:
        """Lines, and at the end perhaps a piece of one, of "stdout" or "stderr"."""
        if self._file < 0:
            return
        head = f"{self._now()} {stream} ".encode()
        *lines, rest = data.split(b"\n")
        entries = [head + b"F " + line + b"\n" for line in lines]
        if rest:
            entries.append(head + b"P " + rest + b"\n")
        size = sum(len(entry) for entry in entries)
        if 0 < self.size_max < self._size + size:
            for entry in entries:  # one by one: some may still fit
                if self.size_max < self._size + len(entry):
                    self.reopen()
                self._append(entry)
        else:
            self._append(b"".join(entries))

    def _append(self, data: bytes) -> None:
        try:
            self._size += os.write(self._file, data)
        except OSError:
            return

    def _now(self) -> str:
        second, nanoseconds = divmod(time.time_ns(), 10**9)
        if second != self._second:
            local = time.localtime(second)
            zone = time.strftime("%z", local)
            self._second = second
            self._date = time.strftime("%Y-%m-%dT%H:%M:%S", local)
            self._zone = f"{zone[:3]}:{zone[3:]}"
        return f"{self._date}.{nanoseconds:09d}{self._zone}"

    def reopen(self) -> None:
        """Begin a new file in the place of the old one, or of one that was moved away."""
        if self._file < 0:
            return
        temporary = f"{self.path}.tmp"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            fresh = os.open(temporary, flags, 0o640)
            os.rename(temporary, self.path)
        except OSError:
            return  # the directory is gone: the old file takes the rest
        os.close(self._file)
        self._file, self._size = fresh, 0

    def sync(self) -> None:
        """Have it on disk."""
        if self._file >= 0:
            os.fsync(self._file)
