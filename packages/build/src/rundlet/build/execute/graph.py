"""Stages in the order of what they need; with --jobs, independent ones side by side.

A stage is built by whoever needs it first; others that need it wait. Stages nobody needs are
not built. A stage only needs earlier ones, so nobody waits in a circle.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager

from rundlet.build.containerfile.instructions import Copy, Run
from rundlet.core import Engine

from . import running
from .origins import Origin
from .progress import StageProgress
from .stage import StageBuild
from .work import Abandoned, Work

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rundlet.build.containerfile.stages import Containerfile, Stage

    from .draft import Draft
    from .work import Shared


class _Slot:
    """One stage: who builds it, and what came of it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.claimed = False
        self.result: StageBuild | None = None
        self.error: BaseException | None = None


class Graph:
    """The stages of one build. start: makes the draft that a stage begins with."""

    def __init__(
        self, shared: Shared, target: Stage, start: Callable[[Work, Stage, Graph], Draft]
    ) -> None:
        self._shared = shared
        self._target = target
        self._start = start
        self._slots = [_Slot() for _ in shared.file.stages]
        self._lock = threading.Lock()
        self._finished = threading.Event()
        self._failed = threading.Event()
        self._first: BaseException | None = None
        self.needed = needed(shared.file, target, skip_unused=shared.options.skip_unused)
        shared.stopping = self._failed.is_set

    def result(self, work: Work, index: int) -> StageBuild:
        """A stage, built now or by another thread. Raises what its building raised."""
        slot = self._slots[index]
        with self._lock:
            mine = not slot.claimed
            slot.claimed = True
        if mine:
            self._build(work, index, slot)
        slot.done.wait()
        if slot.error is not None:
            raise self._first or slot.error
        assert slot.result is not None
        return slot.result

    def root(self, work: Work, index: int) -> Origin:
        """The files of an earlier stage, for --from."""
        done = self.result(work, index)
        with self._lock:
            root = done.root(work)
        return Origin(root, owned=True, key=f"stage:{done.draft.top}")

    def commit(self, work: Work, stage: StageBuild) -> None:
        """Make a finished stage's changes layers, once, for a stage that begins with it."""
        with self._lock:
            stage.commit(work)

    @contextmanager
    def workers(self, engine: Engine) -> Iterator[None]:
        """With --jobs, threads that build what will be needed, until the block ends."""
        count = min(self._shared.options.jobs or len(self.needed), len(self.needed)) - 1
        threads = [threading.Thread(target=self._worker) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        except BaseException as error:
            self._fail(engine, error)
            raise
        finally:
            self._finished.set()
            for thread in threads:
                thread.join()

    def _worker(self) -> None:
        """Build stages nobody has begun; then keep what they are made of until the end."""
        shared = self._shared
        with Engine(shared.settings) as engine, ExitStack() as stack:
            work = Work(shared, engine, stack)
            for index in self.needed:
                if self._failed.is_set() or self._finished.is_set():
                    break
                if not self._slots[index].claimed and index != self._target.index:
                    try:
                        self.result(work, index)
                    except BaseException:
                        break  # it is told by who needs the stage
            self._finished.wait()

    def _build(self, work: Work, index: int, slot: _Slot) -> None:
        stage = self._shared.file.stages[index]
        try:
            draft = self._start(work, stage, self)
            triggers = len(draft.config.get("OnBuild") or ())
            steps = 1 + triggers + len(stage.instructions)
            shared = self._shared
            mixed = shared.options.jobs != 1
            progress = StageProgress(shared.progress, self._label(index), steps, mixed=mixed)
            slot.result = StageBuild(work, stage, draft, progress)
            slot.result.run()
        except BaseException as error:
            slot.error = error
            self._fail(work.engine, error)
        finally:
            slot.done.set()

    def _fail(self, engine: Engine, error: BaseException) -> None:
        """The first failure ends the other stages, with what they run."""
        with self._lock:
            first = self._first is None and not isinstance(error, Abandoned)
            if first:
                self._first = error
        if first:
            self._failed.set()
            running.end_ours(engine)

    def _label(self, index: int) -> str:
        """`[1/2]`, where there is more than one stage to build."""
        if len(self.needed) < 2 or index not in self.needed:
            return ""
        return f"[{self.needed.index(index) + 1}/{len(self.needed)}]"


def needed(file: Containerfile, target: Stage, *, skip_unused: bool) -> list[int]:
    """The stages that the target needs, as far as names without variables tell, in order."""
    if not skip_unused:
        return list(range(target.index + 1))
    found: set[int] = set()
    pending = [target]
    while pending:
        stage = pending.pop()
        if stage.index in found:
            continue
        found.add(stage.index)
        for name in _names(stage):
            earlier = file.stage(name)
            if earlier is not None and earlier.index < stage.index:
                pending.append(earlier)
    return sorted(found)


def _names(stage: Stage) -> Iterator[str]:
    """What a stage names that may be a stage."""
    yield stage.start.image
    for item in stage.instructions:
        if isinstance(item, Copy) and item.origin:
            yield item.origin
        elif isinstance(item, Run):
            words = [word.strip() for text in item.mounts for word in text.split(",")]
            yield from (word.removeprefix("from=") for word in words if word.startswith("from="))
