"""The steps of a stage: made or taken from the cache, as layers, and noted in the history."""

from __future__ import annotations

import time

from . import configuring
from .cache import Step, explain, key_of
from .workspace import Workspace, keep_timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rundlet.build.containerfile.instructions import Instruction
    from rundlet.build.containerfile.stages import Stage
    from rundlet.core import Engine
    from rundlet.core.streams import Writable

    from .draft import Draft
    from .progress import StageProgress
    from .work import Work

    Write = Callable[[Writable], None]


class Steps:
    """What one stage's steps add to its draft.

    Without layers all of them work in one workspace, which `commit` makes a layer.
    """

    def __init__(self, work: Work, stage: Stage, draft: Draft, progress: StageProgress) -> None:
        self.draft = draft
        self._work = work
        self._options = work.options
        self._stage = stage
        self._progress = progress
        self._workspace: Workspace | None = None
        self._inherited = len(draft.history)
        self._document = key_of({"base": draft.base_digest, "top": draft.top})
        self._missed = ""
        self._count = 0

    def config(self, text: str) -> None:
        """A step that changes no file. text: for the history, as elsewhere."""
        self._document = key_of({"document": self._document, "text": text, "top": self.draft.top})
        if not self._options.layers:
            self._entry(self._now(), text, empty=True)
            return
        fresh = not self._options.cache
        self._entry(self._work.cache.time(self._document, fresh=fresh), text, empty=True)

    def files(
        self,
        item: Instruction,
        parts: dict[str, Any],
        text: str,
        make: Callable[[Workspace], None],
        *,
        may_be_nothing: bool = False,
        direct: Callable[[str], Write | None] | None = None,
    ) -> None:
        """A step that changes files.

        parts: what its result depends on, besides what is below. make: does it in a workspace.
        direct: what writes the layer over a root without changing that, where there is such.
        """
        if not self._options.layers:
            make(self._opened())
            self.config(text)
            return

        def made() -> Step:
            engine = self._work.engine
            workspace = Workspace(engine, self._unpacked(engine))
            try:
                write = direct(workspace.root) if direct is not None else None
                if write is not None:
                    return self._written(write)
                make(workspace)
                if may_be_nothing and workspace.is_unchanged():
                    return Step(None, self._now())
                return Step(workspace.commit(engine, self._options.file_times), self._now())
            finally:
                workspace.close()

        self._cached(item, {**parts, "parent": self.draft.top}, text, made)

    def linked(self, item: Instruction, parts: dict[str, Any], text: str, write: Write) -> None:
        """A step with layers, whose layer a changed base does not change (COPY --link)."""
        self._cached(item, {**parts, "link": True}, text, lambda: self._written(write))

    def root(self, work: Work) -> str:
        """The root directory of what was made, there until `work` ends."""
        if self._workspace is not None:
            return self._workspace.root
        view = Workspace(work.engine, self._unpacked(work.engine))
        work.stack.callback(view.close)
        return view.root

    def commit(self, work: Work) -> None:
        """Make what is still only in the workspace a layer: its history's last entry has it.

        work: of the calling thread.
        """
        if self._workspace is None or self._options.layers:
            return
        if len(self.draft.history) > self._inherited:
            layer = self._workspace.commit(work.engine, self._options.file_times)
            self.draft.add(layer)
            entry = self.draft.history[-1]
            entry.pop("empty_layer", None)
            if self.draft.base_name:
                entry["comment"] = f"FROM {self.draft.base_name}"
            self._inherited = len(self.draft.history)

    def _cached(
        self, item: Instruction, parts: dict[str, Any], text: str, make: Callable[[], Step]
    ) -> None:
        """Take a step from the cache, or make it and put it there."""
        if self._options.timestamp is not None:
            parts = {**parts, "timestamp": self._options.timestamp.as_dict()}
        key = key_of(parts)
        self._count += 1
        site = self._work.site(self._stage, self._count)
        cache = self._work.cache
        found = self._work.cached(key) if self._options.cache else None
        if found is None:
            if self._options.explain:
                self._progress.note(self._why(key, cache.parts(site), parts))
            found = make()
            self._missed = item.text
            self._keep(key, found, text, new=True)
        else:
            self._progress.cached(key[:12])
            self._keep(key, found, text, new=False)
        cache.keep_parts(site, parts)

    def _keep(self, key: str, step: Step, text: str, *, new: bool) -> None:
        self._entry(step.created, text, empty=step.layer is None)
        if step.layer is not None:
            self.draft.add(step.layer)
        if not new:
            return
        self._work.cache.keep(key, step)
        if step.layer is not None:
            image = configuring.labelled(self.draft, self._options.layer_labels).write(
                self._work.engine, created=step.created, docker=self._options.docker
            )
            self._work.keep_elsewhere(key, image)
            self._progress.done(image.id)

    def _why(self, key: str, before: dict[str, Any] | None, now: dict[str, Any]) -> list[str]:
        if not self._options.cache:
            return ["cache not used: --no-cache"]
        if self._options.cache_ttl is not None and self._work.cache.find(key) is not None:
            return ["cache miss: it was made longer ago than --cache-ttl"]
        return [
            "cache miss: "
            + (f"parent: {self._parent()}" if reason.startswith("parent") else reason)
            for reason in explain(before, now)
        ]

    def _parent(self) -> str:
        """What is another than before below the step."""
        if self._missed:
            return f"step {self._missed!r} was made again"
        name = self._stage.start.image
        earlier = self._work.file.stage(name)
        if earlier is not None and earlier.index < self._stage.index:
            return f"stage {name} was made again"
        return f"the base image {self.draft.base_name or name} changed"

    def _written(self, write: Write) -> Step:
        """A layer that is not made in a workspace."""
        layer = keep_timed(self._work.engine, write, self._options.file_times, self.draft.top)
        return Step(layer, self._now())

    def _opened(self) -> Workspace:
        """The workspace of all steps together; without layers there is only this one."""
        if self._workspace is None:
            engine = self._work.engine
            self._workspace = Workspace(engine, self._unpacked(engine))
            self._work.stack.callback(self._workspace.close)
        return self._workspace

    def _unpacked(self, engine: Engine) -> str:
        """The topmost layer, once it is in the store with all below it."""
        top = self.draft.top
        if top and engine.layers.get(top) is None:
            self.draft.write(engine, docker=self._options.docker)
        return top

    def _entry(self, created: int, text: str, *, empty: bool) -> None:
        if self._options.timestamp is not None:
            created = self._options.timestamp.seconds * 1_000_000_000
        first = len(self.draft.history) == self._inherited and self._options.layers
        comment = f"FROM {self.draft.base_name}" if first and self.draft.base_name else ""
        self.draft.note(created, text, empty=empty, comment=comment)

    def _now(self) -> int:
        timestamp = self._options.timestamp
        return time.time_ns() if timestamp is None else timestamp.seconds * 1_000_000_000
