"""How a copy is shown: bars on a terminal, podman's plain lines elsewhere, nothing with --quiet.

Where there is no terminal, a line every few seconds tells how far a long copy is.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

from ..images.progress import SILENT, Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from ..images.descriptor import Descriptor


_EVERY = 5.0
_MOST_NAMED = 4
"""Blobs that one line names."""


@contextmanager
def shown(out: TextIO, *, quiet: bool, every: float = _EVERY) -> Iterator[Progress]:
    """A progress that writes to `out` while the block runs.

    every: seconds between the lines that tell how far it is, where `out` is no terminal.
    """
    if quiet:
        yield SILENT
    elif out.isatty():
        from .progress_bars import Bars

        bars = Bars(out)
        try:
            yield bars
        finally:
            bars.close()
    else:
        lines = _Lines(out, every)
        try:
            yield lines
        finally:
            lines.close()


class _Lines(Progress):
    """podman's lines where there is no terminal, and how far it is every few seconds."""

    def __init__(self, out: TextIO, every: float) -> None:
        self._out = out
        self._every = every
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._running: dict[str, list[int]] = {}  # digest: bytes that went through, and its size
        self._bytes = 0

    def close(self) -> None:
        """No more lines."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _tell(self) -> None:
        """The thread that tells how far it is, also when nothing moves."""
        before, then = 0, time.monotonic()
        while not self._ended.wait(self._every):
            now, count = time.monotonic(), self._bytes
            running = list(self._running.items())
            if running:
                rate = _size((count - before) / (now - then))
                parts = [_part(digest, *numbers) for digest, numbers in running[:_MOST_NAMED]]
                more = len(running) - len(parts)
                if more > 0:
                    parts.append(f"{more} more")
                self._line(f"Copying at {rate}/s: {', '.join(parts)}")
            before, then = count, now

    def _line(self, text: str) -> None:
        with self._lock:
            self._out.write(text + "\n")
            self._out.flush()

    def message(self, text: str) -> None:
        self._line(text)

    def start(self, kind: str, blob: Descriptor) -> None:
        self._line(f"Copying {kind} {blob.digest}")
        with self._lock:
            self._running[blob.digest] = [0, blob.size]
            if self._thread is None:
                self._thread = threading.Thread(target=self._tell, name="progress", daemon=True)
                self._thread.start()

    def advance(self, kind: str, blob: Descriptor, count: int) -> None:
        with self._lock:
            self._bytes += count
            numbers = self._running.get(blob.digest)
            if numbers is not None:
                numbers[0] += count

    def done(self, kind: str, blob: Descriptor) -> None:
        with self._lock:
            self._running.pop(blob.digest, None)

    def skipped(self, kind: str, blob: Descriptor) -> None:
        self._line(f"Copying {kind} {blob.digest} skipped: already exists")


def _part(digest: str, done: int, size: int) -> str:
    """ "3b4e575193e1 12.0 MiB of 1.2 GiB"."""
    short = digest.partition(":")[2][:12]
    return f"{short} {_size(done)} of {_size(size)}" if size >= 0 else f"{short} {_size(done)}"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
