"""Reading a container's log: the k8s-file format that conmon writes.

    2022-11-23T15:04:05.123456789+00:00 stdout F a whole line
    2022-11-23T15:04:05.123456789+00:00 stdout P a piece; the rest of the line follows

Pieces are joined, per stream. The end of a long file is found by reading backwards.
Followers go on over a rotation (log_files.py), and when the file is begun anew.
"""

from __future__ import annotations

import os
import select
from functools import lru_cache

from ..errors import NotSupported
from ..value import Value
from . import ending, log_driver, log_files
from .paths import Paths
from .state import derive, has_process
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from ..engine import Engine
    from ..state.containers import Container

_BLOCK = 65536


class LogOptions(Value):
    """tail: how many lines from the end, -1 for all. since, until: ns since the epoch, None: open.

    follow: go on until the container ends.
    """

    tail: int = -1
    since: int | None = None
    until: int | None = None
    follow: bool = False


class LogLine(Value):
    """time: as conmon wrote it (RFC 3339, ns). stream: "stdout" or "stderr".

    text: without a line end; whole: whether there was one.
    """

    time: str
    stream: str
    text: bytes
    whole: bool = True

    def __init__(self, time: str, stream: str, text: bytes, whole: bool = True) -> None:
        # As Value's own, in a quarter of the time: it was most of what reading a log took.
        fields = self.__dict__
        fields["time"], fields["stream"], fields["text"], fields["whole"] = (
            time,
            stream,
            text,
            whole,
        )


def log_path(engine: Engine, row: Container) -> str:
    """Where the log is. Raises NotSupported for a driver that keeps no file."""
    request = request_of(row.request)
    driver = log_driver.driver(engine, request)
    if driver not in log_driver.FILE:
        raise NotSupported(
            f"this container is using the {driver!r} log driver, cannot read logs:"
            " this container is not logging output"
        )
    return log_driver.path(request, Paths(engine, row.id))


def logs(engine: Engine, row: Container, options: LogOptions) -> Iterator[LogLine]:
    """The lines that the options ask for. A container that never ran has none.

    Raises NotSupported for a driver that keeps none, or whose reader is not here.
    """
    if log_driver.driver(engine, request_of(row.request)) == log_driver.JOURNALD:
        from .journal import lines

        found = lines(engine, row, options)
    else:
        found = _lines(engine, row, log_path(engine, row), options)
    for line in found:
        if options.since is None and options.until is None:
            yield line
            continue
        when = nanoseconds(line.time)
        if options.until is not None and when > options.until:
            return
        if options.since is None or when >= options.since:
            yield line


def _lines(engine: Engine, row: Container, path: str, options: LogOptions) -> Iterator[LogLine]:
    joiner = Joiner()
    files = log_files.opened(path)
    if not files:
        if not options.follow or not has_process(row):
            return
        files = [open(os.devnull, "rb")]  # noqa: SIM115 (the follower's)
    *older, file = files
    with _Follower(engine, row, path, file) as follower:
        if options.tail >= 0:
            yield from _end_of(older, file, options.tail, joiner)
        else:
            for one in older:
                yield from _whole(one, joiner)
        for one in older:
            one.close()
        while True:
            yield from follower.read(joiner)
            if not options.follow or not follower.wait():
                break
        yield from follower.read(joiner)
    yield from joiner.rest()


def _end_of(older: Sequence[BinaryIO], file: BinaryIO, count: int, joiner: Joiner) -> list[LogLine]:
    """As `tail`, over several files; the older ones are read where the newest has not enough."""
    if not older:
        return tail(file, count, joiner)
    found = tail(file, count, Joiner())
    if len(found) == count:
        return found
    file.seek(0)
    found = [line for one in (*older, file) for line in _whole(one, joiner)]
    return found[len(found) - count :] if len(found) > count else found


def _whole(file: BinaryIO, joiner: Joiner) -> Iterator[LogLine]:
    """All lines to the last line end; the file is left there."""
    for record in file:
        if not record.endswith(b"\n"):
            file.seek(-len(record), os.SEEK_CUR)
            return
        yield from joiner.add(record[:-1])


def tail(file: BinaryIO, count: int, joiner: Joiner) -> list[LogLine]:
    """The last `count` lines up to the last line end; the file is left there."""
    size = file.seek(0, os.SEEK_END)
    step = _BLOCK
    while True:
        start = max(0, size - step)
        file.seek(start)
        data = file.read(size - start)
        # A line begins after the end of the line before: one more is looked for.
        if start == 0 or _line_ends(data) > count:
            break
        step *= 4
    end = data.rfind(b"\n") + 1
    file.seek(start + end)
    begin = data.find(b"\n") + 1 if start > 0 else 0
    records = data[begin:end].split(b"\n")
    lines = [line for record in records for line in joiner.add(record)]
    wanted = max(0, count - joiner.open_lines())
    return lines[-wanted:] if wanted else []


def _line_ends(data: bytes) -> int:
    return sum(record.split(b" ", 3)[2:3] == [b"F"] for record in data.split(b"\n"))


class Joiner:
    """Makes lines of records: pieces are kept, per stream, until the line ends."""

    def __init__(self) -> None:
        self._pieces: dict[str, tuple[str, list[bytes]]] = {}

    def add(self, record: bytes) -> tuple[LogLine, ...]:
        """The line that a record completes, if any. What is no record is left out."""
        parts = record.split(b" ", 3)
        if len(parts) < 4 or parts[2][:1] not in (b"F", b"P"):
            if len(parts) != 3 or parts[2][:1] not in (b"F", b"P"):
                return ()
            parts.append(b"")
        when, stream, text = parts[0].decode("ascii", "replace"), parts[1].decode(), parts[3]
        if parts[2].startswith(b"P"):
            self._pieces.setdefault(stream, (when, []))[1].append(text)
            return ()
        before = self._pieces.pop(stream, None)
        if before is not None:
            when, text = before[0], b"".join([*before[1], text])
        return (LogLine(when, stream, text),)

    def open_lines(self) -> int:
        """How many lines have begun and not ended."""
        return len(self._pieces)

    def rest(self) -> Iterator[LogLine]:
        """What has begun and will not end any more."""
        for stream, (when, pieces) in self._pieces.items():
            yield LogLine(when, stream, b"".join(pieces), whole=False)
        self._pieces.clear()


class _Follower:
    """Reads to the end of the log, and waits for more, or for the end of the container."""

    def __init__(self, engine: Engine, row: Container, path: str, file: BinaryIO) -> None:
        self.engine = engine
        self.row = row
        self.path = path
        self.file = file
        self._unread = b""
        self._ended = False
        self._process = -1

    def __enter__(self) -> _Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        if self._process >= 0:
            os.close(self._process)

    def read(self, joiner: Joiner) -> Iterator[LogLine]:
        """All complete records up to the end, also of the files that came after this one."""
        while True:
            yield from self._rest(joiner)
            if not self._replaced():
                return
            yield from self._rest(joiner)  # what was written before it was replaced
            following = log_files.after(self.path, self.file)
            if following:
                self.file.close()
                self.file, *later = following
                for one in later:
                    one.close()
            else:
                self.file.seek(0)  # begun again in place
            self._unread = b""

    def _rest(self, joiner: Joiner) -> Iterator[LogLine]:
        while data := self.file.read(_BLOCK):
            records = (self._unread + data).split(b"\n")
            self._unread = records.pop()
            for record in records:
                yield from joiner.add(record)

    def _replaced(self) -> bool:
        if not log_files.newest(self.path, self.file):
            return True
        return os.fstat(self.file.fileno()).st_size < self.file.tell()

    def wait(self) -> bool:
        """Sleep until there may be more; False once the container has ended and all was written."""
        if self._ended:
            return False
        from ..linux.inotify import IN_CREATE, IN_MODIFY, IN_MOVED_TO, Watch

        with Watch(os.path.dirname(self.path), IN_MODIFY | IN_CREATE | IN_MOVED_TO) as watch:
            if self._more():
                return True
            if not self._watch_process():
                self._end()
                return True
            poll = select.poll()
            poll.register(watch.fileno(), select.POLLIN)
            poll.register(self._process, select.POLLIN)
            if any(descriptor == self._process for descriptor, _ in poll.poll()):
                self._end()
        return True

    def _more(self) -> bool:
        """Whether something was written between the last read and the watch."""
        if self._replaced():
            return True
        return os.fstat(self.file.fileno()).st_size > self.file.tell()

    def _watch_process(self) -> bool:
        if self._process < 0 and has_process(derive(self.engine, self.row)):
            try:
                self._process = os.pidfd_open(self.row.pid)
            except ProcessLookupError:
                return False
        return self._process >= 0

    def _end(self) -> None:
        """The process ended: what the monitor still has to write is there with the exit file."""
        self._ended = True
        ending.wait_exit_file(self.engine, self.row)


def nanoseconds(text: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 time; 0 for nonsense."""
    head, _, rest = text.partition(".")
    digits = ""
    for character in rest:
        if not character.isdecimal():
            break
        digits += character
    zone = rest[len(digits) :].replace("Z", "+00:00") or "+00:00"
    if not rest:
        head = head.replace("Z", "")
    seconds = _seconds(f"{head[:19]}{zone if rest else head[19:] or zone}")
    return 0 if seconds is None else seconds * 10**9 + int((digits + "000000000")[:9])


@lru_cache(maxsize=16)  # a log has many lines of one second
def _seconds(text: str) -> int | None:
    from datetime import datetime

    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return None
