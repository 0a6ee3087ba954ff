"""One stage, step by step."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from rundlet.build.containerfile.expanding import expanded
from rundlet.build.containerfile.instructions import Arg, Copy, Instruction, Run, Text
from rundlet.build.containerfile.lexer import lex
from rundlet.build.containerfile.parse import instruction
from rundlet.core.containers.request import Mount
from rundlet.core.errors import RundletError
from rundlet.core.spec import user

from . import configuring, copying, filesystem, history, mounts, placing, running
from .cache import Step, explain, key_of
from .options import StepFailed
from .work import located
from .workspace import Workspace, keep_timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

    from rundlet.build.containerfile.stages import Stage
    from rundlet.core import Engine

    from .draft import Draft
    from .origins import Origin
    from .progress import StageProgress
    from .work import Work


class StageBuild:
    """A stage being built. After `run`, `draft` and `root` are what it has made."""

    def __init__(self, work: Work, stage: Stage, draft: Draft, progress: StageProgress) -> None:
        self.draft = draft
        self._work = work
        self._options = work.options
        self._stage = stage
        self._progress = progress
        self._arguments: dict[str, str] = {}
        self._workspace: Workspace | None = None
        self._command_set = False
        self._inherited = len(draft.history)
        self._everywhere = tuple(mounts.read(text) for text in work.options.mounts)
        self._document = key_of({"base": draft.base_digest, "top": draft.top})
        self._missed = ""
        self._count = 0

    def run(self) -> None:
        """All steps. Raises StepFailed, and errors that name file and line."""
        self._progress.step(self._stage.start.text)
        triggers = self._triggers()
        for item in (*triggers, *self._stage.instructions):
            self._progress.step(item.text)
            with located(item.where):
                self._step(expanded(item, self._variables(), self._work.file.escape))
            self._work.check()

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

    # --- steps

    def _triggers(self) -> list[Instruction]:
        """The ONBUILD instructions of the base, which are done first and not inherited."""
        where = f"ONBUILD of {self.draft.base_name or self._stage.start.image}"
        texts = self.draft.config.pop("OnBuild", None) or ()
        return [instruction(line, where) for text in texts for line in lex(text, where).lines]

    def _variables(self) -> dict[str, str]:
        return {**self._arguments, **configuring.environment(self.draft.config)}

    def _step(self, item: Instruction) -> None:
        if isinstance(item, Arg):
            self._work.arguments.declare(item, self._arguments)
            self._note(item, history.plain(item))
        elif isinstance(item, Run):
            self._run(item)
        elif isinstance(item, Copy):
            self._copy(item)
        elif isinstance(item, Text) and item.name == "WORKDIR":
            self._workdir(item)
        else:
            configuring.apply(self.draft, item, command_set=self._command_set)
            self._command_set |= item.name == "CMD"
            if self._docker_only(item):
                self._work.progress.warn(
                    f"{item.name} is not supported for OCI image format and will be ignored."
                    " Must use `docker` format"
                )
            self._note(item, history.plain(item))

    def _docker_only(self, item: Instruction) -> bool:
        return item.name in ("HEALTHCHECK", "SHELL") and not self._options.docker

    def _workdir(self, item: Text) -> None:
        configuring.apply(self.draft, item)
        path = str(self.draft.config["WorkingDir"])
        owner = str(self.draft.config.get("User") or "")

        def make(workspace: Workspace) -> None:
            if not filesystem.is_directory(workspace.root, path):
                found = user.lookup(workspace.root, owner)
                filesystem.make_directories(workspace.root, path, found.uid, found.gid)

        parts = {"instruction": "WORKDIR", "path": path, "user": owner}
        self._files(item, parts, history.plain(item), make, may_be_nothing=True)

    def _copy(self, item: Copy) -> None:
        workdir = str(self.draft.config.get("WorkingDir") or "/")
        if item.name == "ADD":
            item = item.replace(sources=self._options.source_policy.sources(item.sources))
        origin = self._work.find(item.origin, self._stage)
        planner = copying.Planner(self._work.scratch, self._work.ignored, workdir)
        plan = planner.plan(item, origin)
        text = history.copied(plan)
        if item.link and copying.linkable(plan) and self._options.layers:
            self._link(item, plan, text)
            return
        self._files(
            item,
            plan.parts(),
            text,
            lambda workspace: placing.apply(plan, workspace.root),
            direct=lambda root: placing.direct(plan, root),
        )

    def _link(self, item: Copy, plan: copying.Plan, text: str) -> None:
        """A layer that is made of the files alone: a changed base does not change it."""

        def make() -> Step:
            layer = keep_timed(
                self._work.engine, placing.link(plan), self._options.file_times, self.draft.top
            )
            return Step(layer, self._now())

        self._cached(item, {**plan.parts(), "link": True}, text, make)

    def _run(self, item: Run) -> None:
        config = self.draft.config
        shell = configuring.shell(config)
        words = running.command(item, shell)
        declared = {
            k: v for k, v in self._arguments.items() if k not in configuring.environment(config)
        }
        wanted = (*self._everywhere, *mounts.parse(item))

        def find(name: str) -> Origin:
            return self._work.find(name, self._stage)

        parts = {
            "instruction": "RUN",
            "command": list(words) if not running.script(item) else [running.script(item)],
            "variables": {**declared, **configuring.environment(config)},
            "user": config.get("User") or "",
            "workdir": config.get("WorkingDir") or "/",
            "network": item.network,
            "security": item.security,
            "mounts": mounts.parts(wanted, find) if self._options.layers else {},
        }
        if self._options.compat_volumes:
            parts["volumes"] = sorted(config.get("Volumes") or ())
        text = history.run(item, self._arguments)
        self._files(
            item, parts, text, lambda workspace: self._execute(item, words, wanted, workspace)
        )

    def _execute(
        self,
        item: Run,
        words: tuple[str, ...],
        wanted: tuple[mounts.RunMount, ...],
        workspace: Workspace,
    ) -> None:
        config = self.draft.config
        work, options = self._work, self._options
        with ExitStack() as stack:
            mounter = mounts.Mounter(
                options,
                lambda name: work.find(name, self._stage),
                workdir=str(config.get("WorkingDir") or "/"),
                home=work.home,
                scratch=work.scratch,
                stack=stack,
                private=running.private_directory(work.engine),
            )
            made = mounter.mounted(wanted)
            kept = mounter.volumes(workspace.root, config) if options.compat_volumes else ()
            order = running.Order(
                words,
                environment={
                    **work.arguments.proxies,
                    **self._arguments,
                    **configuring.environment(config),
                    **made.environment,
                },
                user=str(config.get("User") or ""),
                workdir=str(config.get("WorkingDir") or "/"),
                mounts=(*kept, *made.mounts, *self._scripts(item)),
                network="" if item.network == "default" else item.network,
                insecure=item.security == "insecure",
                stdin=options.stdin,
                output=work.progress.output,
            )
            try:
                with workspace.mapped(options.template):
                    code = self._started(workspace.root, order)
            except RundletError as error:
                error.message = f"{item.where}: building at step {item.text!r}: {error.message}"
                error.args = (error.message,)
                raise
        if code:
            raise StepFailed(item.where, item.text, code)

    def _started(self, root: str, order: running.Order) -> int:
        """Run a command to its end; its exit code."""
        options = self._options
        if options.isolation == "chroot":
            from . import chroot

            return chroot.run(root, order, options.template)
        return running.run(self._work.engine, root, order, options.template)

    def _scripts(self, item: Run) -> tuple[Mount, ...]:
        text = running.script(item)
        if not text:
            return ()
        path = os.path.join(self._work.scratch, f"script-{os.urandom(6).hex()}")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755), "w") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return (Mount("bind", f"{running.SCRIPTS}/{item.heredocs[0].name}", path, ("ro",)),)

    # --- what a step changes in files

    def _files(
        self,
        item: Instruction,
        parts: dict[str, Any],
        text: str,
        make: Callable[[Workspace], None],
        *,
        may_be_nothing: bool = False,
        direct: Callable[[str], Callable[[BinaryIO], None] | None] | None = None,
    ) -> None:
        """direct: what writes the layer over a root without changing that, where there is such."""
        if not self._options.layers:
            make(self._opened())
            self._note(item, text)
            return

        def made() -> Step:
            engine = self._work.engine
            workspace = Workspace(engine, self._unpacked(engine))
            try:
                write = direct(workspace.root) if direct is not None else None
                if write is not None:
                    layer = keep_timed(engine, write, self._options.file_times, self.draft.top)
                    return Step(layer, self._now())
                make(workspace)
                if may_be_nothing and workspace.is_unchanged():
                    return Step(None, self._now())
                return Step(workspace.commit(engine, self._options.file_times), self._now())
            finally:
                workspace.close()

        self._cached(item, {**parts, "parent": self.draft.top}, text, made)

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
                self._progress.note(self._why(cache.parts(site), parts))
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

    def _why(self, before: dict[str, Any] | None, now: dict[str, Any]) -> list[str]:
        if not self._options.cache:
            return ["cache not used: --no-cache"]
        reasons = explain(before, now)
        because = (
            f"step {self._missed!r} was made again"
            if self._missed
            else (f"the base image {self.draft.base_name or 'or stage'} changed")
        )
        return [
            "cache miss: " + (f"parent: {because}" if reason.startswith("parent") else reason)
            for reason in reasons
        ]

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

    # --- history

    def _note(self, item: Instruction, text: str) -> None:
        """A step that has no layer of its own."""
        self._document = key_of({"document": self._document, "text": text, "top": self.draft.top})
        if not self._options.layers:
            self._entry(self._now(), text, empty=True)
            return
        fresh = not self._options.cache
        self._entry(self._work.cache.time(self._document, fresh=fresh), text, empty=True)

    def _entry(self, created: int, text: str, *, empty: bool) -> None:
        if self._options.timestamp is not None:
            created = self._options.timestamp.seconds * 1_000_000_000
        first = len(self.draft.history) == self._inherited and self._options.layers
        comment = f"FROM {self.draft.base_name}" if first and self.draft.base_name else ""
        self.draft.note(created, text, empty=empty, comment=comment)

    def _now(self) -> int:
        timestamp = self._options.timestamp
        return time.time_ns() if timestamp is None else timestamp.seconds * 1_000_000_000
