"""How a copy is shown on a terminal: a bar per blob, by rich (imported with this module)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress
from rich.table import Column
from rich.text import Text

from ..images.progress import Progress

if TYPE_CHECKING:
    from typing import TextIO

    from rich.progress import Task, TaskID

    from ..images.descriptor import Descriptor


def _unbroken() -> Column:
    """A column that is never wrapped: only the bar gives way where a terminal is narrow."""
    return Column(no_wrap=True)


class _State(TransferSpeedColumn):
    """How fast a blob comes and, in the same place, what became of it."""

    def render(self, task: Task) -> Text:
        note: str = task.fields["note"]
        return Text(note) if note else super().render(task)


class Bars(Progress):
    """A bar per blob, until closed; each stays within a line of 80 columns."""

    def __init__(self, out: TextIO) -> None:
        self._rich = RichProgress(
            TextColumn("{task.description}", table_column=_unbroken()),
            BarColumn(bar_width=None),
            DownloadColumn(table_column=_unbroken()),
            _State(table_column=_unbroken()),
            console=Console(file=out),
            refresh_per_second=10,
        )
        self._rich.start()
        self._tasks: dict[str, TaskID] = {}

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
