"""What a build says while it goes on: buildah's lines, with the time that each step took."""

from __future__ import annotations

import sys
import threading
import time

from rundlet.core.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import ExitStack
    from typing import TextIO

    from rundlet.core.contracts.transport import Platform


_WORTH_TELLING = 0.1
"""Seconds that a step without a layer of its own takes at least for its time to be told."""


class Progress:
    """Lines to a stream, whole ones even from several threads. quiet: none at all."""

    def __init__(self, out: TextIO | None = None, *, quiet: bool = False) -> None:
        self._out = out or sys.stdout
        self._quiet = quiet
        self._lock = threading.Lock()

    @property
    def output(self) -> int:
        """The descriptor for what commands print: where our lines go; stderr when quiet."""
        try:
            return 2 if self._quiet else self._out.fileno()
        except OSError:  # a stream in memory
            return 2

    def of(self, platform: Platform) -> Progress:
        """What tells of the build for one platform: this one."""
        return self

    def line(self, text: str) -> None:
        """Print a line."""
        if self._quiet:
            return
        with self._lock:
            self._out.write(f"{text}\n")
            self._out.flush()

    def warn(self, text: str) -> None:
        """Print a warning, which is never left out."""
        with self._lock:
            sys.stderr.write(f"WARN[0000] {text}\n")
            sys.stderr.flush()


class SplitProgress(Progress):
    """A log file for each platform: PATH_OS_ARCH (--logsplit). stack: closes them."""

    def __init__(self, path: str, stack: ExitStack) -> None:
        super().__init__()
        self._path = path
        self._stack = stack

    def of(self, platform: Platform) -> Progress:
        """The log of a platform's build."""
        name = f"{self._path}_{platform.os}_{platform.architecture}"
        return Progress(self._stack.enter_context(log_file(name)))


def log_file(path: str) -> TextIO:
    """Open a `--logfile` to append to. Raises StoreError."""
    try:
        return open(path, "a", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"--logfile {path}: {error.strerror}") from error


class StageProgress:
    """The lines of one stage: `[1/2] STEP 3/5: RUN make`, `--> Using cache 3f2a...`.

    mixed: others say something at the same time, so that all lines are labelled.
    """

    def __init__(self, progress: Progress, label: str, steps: int, *, mixed: bool = False) -> None:
        self._progress = progress
        self._label = f"{label} " if label else ""
        self._prefix = self._label if mixed else ""
        self._steps = steps
        self._number = 0
        self._told = False
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        """A step begins."""
        self.end()
        self._number += 1
        self._told = False
        self._began = time.monotonic()
        first = text.partition("\n")[0]
        self._progress.line(f"{self._label}STEP {self._number}/{self._steps}: {first}")

    def end(self) -> None:
        """The step that had begun, if any, has ended."""
        took = time.monotonic() - self._began
        if self._number and not self._told and took >= _WORTH_TELLING:
            self._line(f"--> ({took:.1f}s)")

    def cached(self, identity: str) -> None:
        """It was in the cache."""
        self._told = True
        self._line(f"--> Using cache {identity}")

    def done(self, identity: str) -> None:
        """It made something. The time is that since its beginning."""
        self._told = True
        self._line(f"--> {identity[:12]} ({time.monotonic() - self._began:.1f}s)")

    def note(self, lines: Iterable[str]) -> None:
        """What is to be known of this step."""
        for text in lines:
            self._line(f"--> {text}")

    def _line(self, text: str) -> None:
        self._progress.line(f"{self._prefix}{text}")
