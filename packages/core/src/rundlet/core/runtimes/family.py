"""The runc family: runtimes with runc's command line, driven by running their binary.

A subclass says what differs: names, flags, what must be changed in a spec, what works here.
"""

from __future__ import annotations

import os

from .. import json
from ..contracts.probe import Probe
from ..contracts.runtime import (
    Adapted,
    Checkpointing,
    OCIRuntime,
    RuntimeConfig,
    RuntimeFeatures,
    RuntimeState,
)
from ..errors import DriverUnavailable, NoSuchContainer, NotSupported, RuntimeFailed, WrongState
from ..linux.processes import Finished, run
from . import messages
from .answers import object_of, state_of, text_of
from .facts import Facts, facts, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, ClassVar, TypeVar

    from ..contracts.monitor import Monitor
    from ..contracts.runtime import OCISpec
    from ..monitor.conmon import ConmonMonitor

    Driver = TypeVar("Driver", bound=OCIRuntime)

# Options of `create`, by what they are in a runtime's table.
_CREATE_FLAGS = {"no_pivot": "--no-pivot", "no_new_keyring": "--no-new-keyring"}
PATIENCE = 30.0
"""Seconds that a runtime may take for what it does at once; it may hang for ever."""


class RuncFamily(OCIRuntime):
    """Base of the drivers. `binaries`: names to look for when no path is configured."""

    binaries: ClassVar[tuple[str, ...]]
    all_flag: ClassVar[str] = "--all"
    notify_name: ClassVar[str] = ""  # of `notify_socket`, below the container's directory
    no_cgroup: ClassVar[tuple[str, ...]] = ()
    """Global arguments to make a container without cgroups; () where that cannot be."""
    keeps_ended = True
    mixes_managers = True

    def __init__(self, config: RuntimeConfig) -> None:
        super().__init__(config)
        self._path = ""

    @property
    def path(self) -> str:
        """The binary. Raises DriverUnavailable when it is not there."""
        if not self._path:
            self._path = find(self.binaries, self.config.path)
        if not self._path:
            wanted = self.config.path or self.binaries[0]
            if wanted.startswith("/"):  # by --runtime, or the path of a table
                raise DriverUnavailable(
                    f"OCI runtime {wanted} is not installed",
                    remedy="see where --runtime or a configuration file names it",
                )
            raise DriverUnavailable(
                f"OCI runtime {self.name}: {wanted} is not installed",
                remedy=f"apt install {self.binaries[0]}, or set runtimes.{self.name}.path",
            )
        return self._path

    def program(self) -> str:
        """The file to start the binary from, by us and by the monitor."""
        return self.path

    def facts(self) -> Facts:
        """What is known of the binary (cached on disk)."""
        return facts(self.path, f"{self.config.root}.facts")

    def version(self) -> str:
        return self.facts().version

    def arguments(self) -> tuple[str, ...]:
        """Global arguments before the subcommand, for us and for the monitor."""
        systemd = ("--systemd-cgroup",) if self.config.systemd_cgroup else ()
        return ("--root", str(self.config.root), *systemd, *self.config.args)

    def monitor_command(self) -> tuple[str, tuple[str, ...]]:
        """Program and arguments that the monitor puts before `create` and `exec`."""
        return self.program(), self.arguments()

    def monitor_kind(self) -> type[ConmonMonitor]:
        """The class of the monitor."""
        from ..monitor.conmon import ConmonMonitor

        return ConmonMonitor

    def monitor(self) -> Monitor:
        path, arguments = self.monitor_command()
        options = self.config.options
        return self.monitor_kind()(
            path,
            arguments,
            str(options.get("conmon", "")),
            self.name,
            variables=monitor_variables(self.config),
            create_options=tuple(flag for name, flag in _CREATE_FLAGS.items() if options.get(name)),
            sync_log=not options.get("no_sync_log", False),
            no_cgroup=self.no_cgroup,
        )

    def probe(self) -> Probe:
        try:
            version = self.version()
        except DriverUnavailable as error:
            return Probe(False, str(error).replace("\n", "; "))
        remark = self.remark()
        return Probe(True, remark, {"path": self.path, "version": version})

    def remark(self) -> str:
        """How it works here, where that is not the ordinary way."""
        return ""

    def adapt(self, spec: OCISpec) -> Adapted:
        return Adapted(spec)

    # --- the life of a container

    def start(self, container: str) -> None:
        self._checked("start", container, patient=True)  # hooks may take their time

    def kill(self, container: str, signal: int, *, all_processes: bool = False) -> None:
        flags = (self.all_flag,) if all_processes else ()
        done = self.call("kill", *flags, container, str(signal))
        if done.code != 0:
            self._raise(done, container, "kill")

    def delete(self, container: str, *, force: bool = False) -> None:
        if not force:
            self._checked("delete", container)
            return
        done = self.call("delete", "--force", container)
        if done.code != 0 and self.knows(container):
            from . import forcing

            forcing.force(self, container, done)

    def knows(self, container: str) -> bool:
        """Whether the runtime keeps anything of the container below its root."""
        return os.path.lexists(f"{self.config.root}/{container}")

    def notify_socket(self, container: str) -> str:
        return f"{self.config.root}/{container}/{self.notify_name}" if self.notify_name else ""

    def state(self, container: str) -> RuntimeState | None:
        done = self.call("state", container)
        if done.code != 0:
            if messages.is_gone(text_of(done)) or not self.knows(container):
                return None
            raise messages.failure(self.name, text_of(done), "tell the state")
        return state_of(object_of(self.name, done.stdout))

    def try_state(self, container: str) -> RuntimeState | None:
        """As `state`; None also where the runtime cannot tell."""
        try:
            return self.state(container)
        except RuntimeFailed:
            return None

    def containers(self) -> Sequence[RuntimeState]:
        """From the directories of the root: `list` fails as a whole for one damaged entry."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.config.root) if entry.is_dir())
        except FileNotFoundError:
            return ()
        return tuple(state for name in names if (state := self.try_state(name)) is not None)

    def pause(self, container: str) -> None:
        self._checked("pause", container)

    def resume(self, container: str) -> None:
        self._checked("resume", container)

    def update(self, container: str, resources: Mapping[str, Any]) -> None:
        document = json.dumps(dict(resources)).encode()
        done = self.call("update", "--resources", "/dev/stdin", container, stdin=document)
        if done.code != 0:
            self._raise(done, container, "update")

    def checkpoint(self, container: str, options: Checkpointing) -> None:
        from . import criu

        done = self.call("checkpoint", *criu.flags(options), container, patient=True)
        if done.code != 0:
            known = self.try_state(container)
            if known is None or known.status != "running":
                self._raise(done, container, "checkpoint")
            reason = criu.error_in(f"{options.work}/dump.log") or messages.plain(text_of(done))
            raise RuntimeFailed(f"{self.name}: container {container} stays as it is: {reason}")

    def features(self) -> RuntimeFeatures:
        """From the runtime's own `features` document, where it has that command."""
        from . import criu

        done = self.call("features")
        document = object_of(self.name, done.stdout) if done.code == 0 else {}
        linux = document.get("linux") or {}
        return RuntimeFeatures(
            checkpoint=not criu.problem(),
            recursive_read_only="rro" in (document.get("mountOptions") or ()),
            seccomp=bool((linux.get("seccomp") or {"enabled": True}).get("enabled")),
            no_cgroup=bool(self.no_cgroup),
            document=document,
        )

    # --- running the binary

    def call(self, *arguments: str, stdin: bytes = b"", patient: bool = False) -> Finished:
        """Run a subcommand. Raises DriverUnavailable when the binary cannot be started.

        One that has not ended after PATIENCE has failed, unless `patient`.
        """
        limit = None if patient else PATIENCE
        try:
            words = [self.path, *self.arguments(), *arguments]
            return run(words, program=self.program(), stdin=stdin, timeout=limit)
        except TimeoutError as error:
            return Finished(-9, b"", str(error).encode())
        except OSError as error:
            raise DriverUnavailable(f"{self.path}: {error.strerror}") from None

    def _checked(self, command: str, container: str, *, patient: bool = False) -> None:
        done = self.call(command, container, patient=patient)
        if done.code != 0:
            self._raise(done, container, command)

    def _raise(self, done: Finished, container: str, doing: str) -> None:
        """The right error: the container may be unknown, or in another state by now."""
        text = text_of(done)
        known = self.try_state(container)
        if known is None and not self.knows(container):
            raise self._unknown(container)
        words = messages.plain(text)
        if messages.is_not_running(text) or (known is not None and known.status == "stopped"):
            if doing == "start":
                raise messages.failure(self.name, text, doing)
            raise WrongState(f"container {container} is not running: {self.name}: {words}")
        raise messages.failure(self.name, text, doing)

    def _unknown(self, container: str) -> NoSuchContainer:
        error = NoSuchContainer(container)
        error.remedy = (
            f"{self.name} knows nothing of it: {self.config.root}/{container} is not there."
            " If its process runs, stop and rm -f end that."
        )
        return error

    def unsupported(self, what: str) -> NotSupported:
        """The error for something this runtime cannot do."""
        return NotSupported(f"OCI runtime {self.name} cannot {what}")


def monitor_variables(config: RuntimeConfig) -> dict[str, str]:
    """The monitor's environment, as configured ("NAME=value" each)."""
    return dict(pair.split("=", 1) for pair in config.options.get("monitor_env", ()))


def create(kind: type[Driver], name: str, config: RuntimeConfig) -> Driver | None:
    """What each module's factory hook does: its driver for its name, else None.

    A configured runtime of another name may be of this kind: `kind = "runc"` in its table.
    """
    if name != kind.name and config.options.get("kind") != kind.name:
        return None
    driver = kind(config)
    if name != kind.name:
        driver.name = name  # type: ignore[misc]  # of this one alone
    return driver
