"""One stage, instruction by instruction."""

from __future__ import annotations

from rundlet.build.containerfile.expanding import expanded
from rundlet.build.containerfile.instructions import Arg, Copy, Instruction, Run, Text
from rundlet.build.containerfile.lexer import lex
from rundlet.build.containerfile.parse import instruction
from rundlet.core.spec import user

from . import configuring, copying, filesystem, history, placing
from .run_step import RunStep
from .steps import Steps
from .work import located

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.build.containerfile.stages import Stage

    from .draft import Draft
    from .progress import StageProgress
    from .work import Work
    from .workspace import Workspace


class StageBuild:
    """A stage being built. After `run`, `draft` and `root` are what it has made."""

    def __init__(self, work: Work, stage: Stage, draft: Draft, progress: StageProgress) -> None:
        self.draft = draft
        self._work = work
        self._options = work.options
        self._stage = stage
        self._progress = progress
        self._steps = Steps(work, stage, draft, progress)
        self._arguments: dict[str, str] = {}
        self._command_set = False

    def run(self) -> None:
        """All steps. Raises StepFailed, and errors that name file and line."""
        self._progress.step(self._stage.start.text)
        triggers = self._triggers()
        for item in (*triggers, *self._stage.instructions):
            self._progress.step(item.text)
            with located(item.where):
                self._step(expanded(item, self._variables(), self._work.file.escape))
            self._work.check()
        self._progress.end()

    def root(self, work: Work) -> str:
        """The root directory of what was made, there until `work` ends."""
        return self._steps.root(work)

    def commit(self, work: Work) -> None:
        """Make what is no layer yet one. work: of the calling thread."""
        self._steps.commit(work)

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
            self._steps.config(history.plain(item))
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
            self._steps.config(history.plain(item))

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
        self._steps.files(item, parts, history.plain(item), make, may_be_nothing=True)

    def _copy(self, item: Copy) -> None:
        workdir = str(self.draft.config.get("WorkingDir") or "/")
        if item.name == "ADD":
            item = item.replace(sources=self._options.source_policy.sources(item.sources))
        origin = self._work.find(item.origin, self._stage)
        planner = copying.Planner(self._work.scratch, self._work.ignored, workdir)
        plan = planner.plan(item, origin)
        text = history.copied(plan)
        if item.link and copying.linkable(plan) and self._options.layers:
            self._steps.linked(item, plan.parts(), text, placing.link(plan))
            return
        self._steps.files(
            item,
            plan.parts(),
            text,
            lambda workspace: placing.apply(plan, workspace.root),
            direct=lambda root: placing.direct(plan, root),
        )

    def _run(self, item: Run) -> None:
        step = RunStep(self._work, self._stage, item, self.draft.config, self._arguments)
        text = history.run(item, self._arguments)
        self._steps.files(item, step.parts(), text, step.execute)
