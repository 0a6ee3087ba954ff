"""How a copy is shown: bars on a terminal, podman's plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from ..images.progress import SILENT, Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO

    from ..images.descriptor import Descriptor


@contextmanager
def shown(out: TextIO, *, quiet: bool) -> Iterator[Progress]:
    """A progress that writes to `out` while the block runs."""
    if quiet:
        yield SILENT
    elif out.isatty():
        bars = _Bars(out)
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield _Lines(out)


class _Lines(Progress):
    """podman's lines where there is no terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def _line(self, text: str) -> None:
        with self._lock:
            self._out.write(text + "\n")
            self._out.flush()

    def message(self, text: str) -> None:
        self._line(text)

    def start(self, kind: str, blob: Descriptor) -> None:
        self._line(f"Copying {kind} {blob.digest}")

    def skipped(self, kind: str, blob: Descriptor) -> None:
        self._line(f"Copying {kind} {blob.digest} skipped: already exists")


class _Bars(Progress):
    """A bar per blob, by rich: imported only here."""

    def __init__(self, out: TextIO) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TextColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as RichProgress

        self._rich = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(file=out),
            refresh_per_second=10,
        )
        self._rich.start()
        self._tasks: dict[str, Any] = {}

    def close(self) -> None:
        self._rich.stop()

    def message(self, text: str) -> None:
        self._rich.console.print(text, highlight=False)

    def start(self, kind: str, blob: Descriptor) -> None:
        self._add(kind, blob)

    def _add(self, kind: str, blob: Descriptor, note: str = "") -> None:
        short = blob.digest.partition(":")[2][:12]
        self._tasks[blob.digest] = self._rich.add_task(
            f"Copying {kind} {short}", total=blob.size if blob.size >= 0 else None, note=note
        )

    def advance(self, kind: str, blob: Descriptor, count: int) -> None:
        task = self._tasks.get(blob.digest)
        if task is not None:
            self._rich.advance(task, count)

    def skipped(self, kind: str, blob: Descriptor) -> None:
        self._add(kind, blob, "skipped: already exists")
        self._rich.update(self._tasks[blob.digest], completed=max(blob.size, 0))

    def done(self, kind: str, blob: Descriptor) -> None:
        task = self._tasks.get(blob.digest)
        if task is not None:
            self._rich.update(task, completed=max(blob.size, 0), note="done")
