"""RUN as a step of a stage: what its result depends on, and carrying it out."""

from __future__ import annotations

import os
from contextlib import ExitStack

from rundlet.core.containers.request import Mount
from rundlet.core.errors import RundletError
from rundlet.core.system.builds import cache_directory, private_directory

from . import configuring, mounts, running
from .options import StepFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rundlet.build.containerfile.instructions import Run
    from rundlet.build.containerfile.stages import Stage

    from .origins import Origin
    from .work import Work
    from .workspace import Workspace


class RunStep:
    """One RUN. config: of the image until then. arguments: those that the stage has declared.

    Raises InvalidArgument for a wrong --mount.
    """

    def __init__(
        self,
        work: Work,
        stage: Stage,
        item: Run,
        config: Mapping[str, Any],
        arguments: Mapping[str, str],
    ) -> None:
        self._work = work
        self._stage = stage
        self._item = item
        self._config = config
        self._arguments = arguments
        self._variables = configuring.environment(config)
        self._words = running.command(item, configuring.shell(config))
        everywhere = (mounts.read(text) for text in work.options.mounts)
        self._mounts = (*everywhere, *mounts.parse(item))

    def parts(self) -> dict[str, Any]:
        """What the result depends on, besides what is below."""
        item, options = self._item, self._work.options
        script = running.script(item)
        found = {
            "instruction": "RUN",
            "command": [script] if script else list(self._words),
            "variables": {**self._arguments, **self._variables},
            "user": self._user,
            "workdir": self._workdir,
            "network": item.network,
            "security": item.security,
            "mounts": mounts.parts(self._mounts, self._find) if options.layers else {},
        }
        if options.compat_volumes:
            found["volumes"] = sorted(self._config.get("Volumes") or ())
        return found

    def execute(self, workspace: Workspace) -> None:
        """Run the command in a workspace. Raises StepFailed, and what starting it raises."""
        item = self._item
        with ExitStack() as stack:
            order = self._order(workspace.root, stack)
            try:
                with workspace.mapped(self._work.options.template):
                    code = self._started(workspace.root, order)
            except RundletError as error:
                error.message = f"{item.where}: building at step {item.text!r}: {error.message}"
                error.args = (error.message,)
                raise
        if code:
            raise StepFailed(item.where, item.text, code)

    @property
    def _user(self) -> str:
        return str(self._config.get("User") or "")

    @property
    def _workdir(self) -> str:
        return str(self._config.get("WorkingDir") or "/")

    def _find(self, name: str) -> Origin:
        return self._work.find(name, self._stage)

    def _order(self, root: str, stack: ExitStack) -> running.Order:
        """The command with its mounts, which end with the stack."""
        from .mounter import Mounter  # a cached build makes none

        item, work = self._item, self._work
        mounter = Mounter(
            work.options,
            self._find,
            workdir=self._workdir,
            caches=cache_directory(work.engine),
            scratch=work.scratch,
            stack=stack,
            private=private_directory(work.engine),
        )
        made = mounter.mounted(self._mounts)
        kept = mounter.volumes(root, self._config) if work.options.compat_volumes else ()
        return running.Order(
            self._words,
            environment={
                **work.arguments.proxies,
                **self._arguments,
                **self._variables,
                **made.environment,
            },
            user=self._user,
            workdir=self._workdir,
            mounts=(*kept, *made.mounts, *self._scripts()),
            network="" if item.network == "default" else item.network,
            insecure=item.security == "insecure",
            stdin=work.options.stdin,
            output=work.progress.output,
        )

    def _started(self, root: str, order: running.Order) -> int:
        """Run a command to its end; its exit code."""
        options = self._work.options
        if options.isolation == "chroot":
            from . import chroot

            return chroot.run(root, order, options.template)
        return running.run(self._work.engine, root, order, options.template)

    def _scripts(self) -> tuple[Mount, ...]:
        """A heredoc that is a script of its own, as a file."""
        text = running.script(self._item)
        if not text:
            return ()
        path = os.path.join(self._work.scratch, f"script-{os.urandom(6).hex()}")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755), "w") as file:
            file.write(text)
        os.chmod(path, 0o755)
        place = f"{running.SCRIPTS}/{self._item.heredocs[0].name}"
        return (Mount("bind", place, path, ("ro",)),)
