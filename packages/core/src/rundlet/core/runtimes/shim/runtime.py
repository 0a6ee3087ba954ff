"""Runtimes that are containerd shims: a process per container (or pod), spoken to by ttrpc."""

from __future__ import annotations

import json
import os

from ...contracts.probe import Probe
from ...contracts.runtime import Adapted, OCIRuntime, RuntimeConfig, RuntimeState
from ...errors import (
    DriverUnavailable,
    NoSuchContainer,
    RuntimeFailed,
    SettingsError,
    WrongState,
)
from ...linux.processes import alive
from .. import messages
from ..facts import Facts, facts, find
from ..family import monitor_variables
from . import protobuf, tasks, ttrpc
from .api import METRICS_V1, METRICS_V2, RESOURCES, STATUS
from .home import Home, Shim, homes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, ClassVar

    from ...cgroups.container import CgroupUsage
    from ...contracts.monitor import Monitor
    from ...contracts.runtime import OCISpec
    from .protobuf import Message

_PATIENCE = 30.0
"""Seconds for an answer; starting a machine may take some."""
NAMESPACE = "rundlet"


class ShimRuntime(OCIRuntime):
    """Base of the drivers. binaries: names of the shim. version_flag: what makes it tell.

    options_type, options_message: the type URL and declaration of the runtime's own options.
    """

    binaries: ClassVar[tuple[str, ...]]
    version_flag: ClassVar[str] = "-v"
    options_type: ClassVar[str]
    options_message: ClassVar[Message]

    def options(self) -> dict[str, Any]:
        """The runtime's own options, by the names of options_message."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Variables for the shim."""
        return {}

    @property
    def path(self) -> str:
        """The shim's program. Raises DriverUnavailable."""
        found = find(self.binaries, self.config.path)
        if not found:
            wanted = self.config.path or self.binaries[0]
            raise DriverUnavailable(
                f"OCI runtime {self.name}: {wanted} is not installed",
                remedy=f"install it, or set runtimes.{self.name}.path",
            )
        return found

    def shim(self) -> Shim:
        """How shims are started, for the monitor and for clearing up."""
        options = self.options()
        return Shim(
            name=self.name,
            program=self.path,
            root=str(self.config.root),
            namespace=NAMESPACE,
            options_type=self.options_type if options else "",
            options=protobuf.encode(self.options_message, options).hex(),
            environment=tuple(self.environment().items()),
            args=self.config.args,
        )

    def facts(self) -> Facts:
        return facts(self.path, f"{self.config.root}.facts", self.version_flag)

    def version(self) -> str:
        found = self.facts()
        for line in found.details.splitlines():
            key, _, value = line.strip().partition(":")
            if key == "Version":
                return f"{os.path.basename(self.path)} {value.strip()}"
        return found.version

    def probe(self) -> Probe:
        try:
            version = self.version()
        except DriverUnavailable as error:
            return Probe(False, str(error).replace("\n", "; "))
        return Probe(True, "", {"path": self.path, "version": version})

    def adapt(self, spec: OCISpec) -> Adapted:
        return Adapted(spec)

    def monitor(self) -> Monitor:
        from ...monitor.shim import ShimMonitor

        return ShimMonitor(
            self.shim(),
            monitor_variables(self.config),
            sync_log=not self.config.options.get("no_sync_log", False),
        )

    # --- the life of a container

    def home(self, container: str) -> Home:
        """What is known of a container. Raises NoSuchContainer."""
        home = Home(str(self.config.root), container)
        if not home.exists():
            raise NoSuchContainer(container)
        return home

    def call(self, method: str, container: str, **values: Any) -> dict[str, Any]:
        """One call to the container's shim.

        Raises NoSuchContainer, WrongState when its process has ended, RuntimeFailed.
        """
        home = self.home(container)
        try:
            with tasks.connect(self.shim(), home) as client:
                return client.call(method, timeout=_PATIENCE, id=container, **values)
        except ttrpc.Refused as error:
            words = str(error)
            if error.code == ttrpc.NOT_FOUND or messages.is_not_running(words):
                raise WrongState(f"container {container} is not running: {words}") from None
            raise messages.failure(self.name, words, method.lower()) from None

    def start(self, container: str) -> None:
        self.call("Start", container)

    def kill(self, container: str, signal: int, *, all_processes: bool = False) -> None:
        try:
            self.call("Kill", container, signal=signal, all=all_processes)
        except ttrpc.Gone:
            self._kill_orphan(container, signal)

    def _kill_orphan(self, container: str, signal: int) -> None:
        """Its shim was killed, and the process lives on."""
        task = self.home(container).task()
        if not alive(task.pid, task.pid_start):
            raise WrongState(f"container {container} is not running: its shim has ended")
        os.kill(task.pid, signal)

    def delete(self, container: str, *, force: bool = False) -> None:
        if force:
            tasks.discard(self.shim(), Home(str(self.config.root), container))
            return
        home = self.home(container)
        state = self.state(container)
        if state is not None and state.status not in ("stopped", "created"):
            raise WrongState(
                f"cannot delete container {container}: it is {state.status}",
                remedy="stop it first, or delete it by force",
            )
        try:
            with tasks.connect(self.shim(), home) as client:
                tasks.delete(self.shim(), home, client)
        except ttrpc.Gone:
            tasks.discard(self.shim(), home)

    def state(self, container: str) -> RuntimeState | None:
        home = Home(str(self.config.root), container)
        if not home.exists():
            return None
        task = home.task()
        try:
            with tasks.connect(self.shim(), home) as client:
                found = client.call("State", timeout=_PATIENCE, id=container)
        except ttrpc.Refused as error:
            if error.code == ttrpc.NOT_FOUND:
                return None
            raise messages.failure(self.name, str(error), "tell the state") from None
        except ttrpc.Gone:
            lives = alive(task.pid, task.pid_start)
            return RuntimeState(
                container, "running" if lives else "stopped", task.pid if lives else 0, task.bundle
            )
        status = STATUS.get(found["status"], "stopped")
        pid = 0 if status == "stopped" else int(found["pid"])
        return RuntimeState(container, status, pid, task.bundle)

    def containers(self) -> Sequence[RuntimeState]:
        found = []
        for home in homes(str(self.config.root)):
            try:
                state = self.state(home.container)
            except RuntimeFailed:
                continue
            if state is not None:
                found.append(state)
        return tuple(found)

    def pause(self, container: str) -> None:
        self.call("Pause", container)

    def resume(self, container: str) -> None:
        self.call("Resume", container)

    def update(self, container: str, resources: Mapping[str, Any]) -> None:
        document = json.dumps(dict(resources)).encode()
        self.call("Update", container, resources={"type_url": RESOURCES, "value": document})

    def usage(self, container: str) -> CgroupUsage | None:
        answer = self.call("Stats", container)["stats"]
        return measured(answer.get("type_url", ""), answer.get("value", b""))


def containerd_options(name: str, config: RuntimeConfig, message: Message) -> dict[str, Any]:
    """The table `options` of a runtime's settings, by containerd's names ("BinaryName").

    Raises SettingsError for one that the shim does not know.
    """
    found = {}
    for key, value in config.options.get("options", {}).items():
        field = "".join(f"_{c.lower()}" if c.isupper() else c for c in key).lstrip("_")
        if field not in message:
            raise SettingsError(f"runtimes.{name}.options: {key} is not known")
        found[field] = value
    return found


def measured(type_url: str, data: bytes) -> CgroupUsage | None:
    """What a shim's statistics say; None for a kind that is not known."""
    from ...cgroups.container import CgroupUsage

    if type_url.endswith("cgroups.v2.Metrics"):
        found = protobuf.decode(METRICS_V2, data)
        memory, blocks = found["memory"], found["io"].get("usage", ())
        return CgroupUsage(
            memory.get("usage"),
            memory.get("usage_limit"),
            found["pids"].get("current"),
            found["cpu"].get("usage_usec", 0) * 1000,
            sum(one["rbytes"] for one in blocks),
            sum(one["wbytes"] for one in blocks),
            found["cpu"].get("system_usec", 0) * 1000,
        )
    if not type_url.endswith("cgroups.v1.Metrics"):
        return None
    found = protobuf.decode(METRICS_V1, data)
    memory = found["memory"].get("usage", {})
    blocks = found["blkio"].get("bytes", ())
    cpu = found["cpu"].get("usage", {})
    return CgroupUsage(
        memory.get("usage"),
        memory.get("limit"),
        found["pids"].get("current"),
        cpu.get("total"),
        sum(one["value"] for one in blocks if one["op"].lower() == "read"),
        sum(one["value"] for one in blocks if one["op"].lower() == "write"),
        cpu.get("kernel"),
    )
