"""A pod sandbox as the engine's state keeps it: one row, the same for every server.

state: "creating" (its maker lives, or left it half done), "ready", "stopped", "removing".
"""

from __future__ import annotations

import base64
import json
import os
import time

from rundlet.core import Engine
from rundlet.core.containers.state import boot_id
from rundlet.core.errors import AlreadyExists, AmbiguousName, NoSuchPod
from rundlet.core.linux.processes import alive, start_time
from rundlet.core.value import Value

from ..proto import api_pb2 as cri


class Pod(Value):
    """One sandbox.

    config: the PodSandboxConfig, serialized. handler: as the request had it; runtime: the OCI
    runtime that this was then, for all containers of the pod. network: what was attached (text
    of containers/stored.py). maker, maker_start, boot: who made it. infra, infra_start: the
    process that holds a shared pid namespace, 0 without one. level: SELinux' that was given to
    it, "" where it says its own, or has none.
    """

    id: str
    name: str
    created: int
    config: bytes
    state: str = "creating"
    handler: str = ""
    runtime: str = ""
    network: str = ""
    boot: str = ""
    maker: int = 0
    maker_start: int = 0
    infra: int = 0
    infra_start: int = 0
    level: str = ""

    @property
    def sandbox(self) -> cri.PodSandboxConfig:
        return cri.PodSandboxConfig.FromString(self.config)

    @property
    def security(self) -> cri.LinuxSandboxSecurityContext:
        """As the sandbox has it, with the SELinux level that was given to it."""
        context = self.sandbox.linux.security_context
        if self.level:
            context.selinux_options.level = self.level
        return context

    @property
    def ready(self) -> bool:
        """Whether its namespaces are there: not after a reboot."""
        return self.state == "ready" and self.boot == boot_id()

    @property
    def abandoned(self) -> bool:
        """Whether nobody works on what was begun: its server was killed."""
        if self.state == "removing":
            return True
        return self.state == "creating" and not (
            self.boot == boot_id() and alive(self.maker, self.maker_start)
        )


_IN_COLUMNS = ("id", "name", "created")


def name_of(config: cri.PodSandboxConfig) -> str:
    """The unique name of a sandbox, as dockershim and CRI-O made it."""
    meta = config.metadata
    return f"k8s_{meta.name}_{meta.namespace}_{meta.uid}_{meta.attempt}"


def fresh(identity: str, config: cri.PodSandboxConfig, handler: str, runtime: str) -> Pod:
    """A sandbox that this process begins to make."""
    return Pod(
        id=identity,
        name=name_of(config),
        created=time.time_ns(),
        config=config.SerializeToString(deterministic=True),
        handler=handler,
        runtime=runtime,
        boot=boot_id(),
        maker=os.getpid(),
        maker_start=start_time(os.getpid()),
    )


def insert(engine: Engine, pod: Pod) -> None:
    """Add a row. Raises AlreadyExists."""
    done = engine.database.execute(
        "INSERT OR IGNORE INTO pods (id, name, created, labels, config) VALUES (?, ?, ?, ?, ?)",
        pod.id,
        pod.name,
        pod.created,
        json.dumps(dict(pod.sandbox.labels)),
        _text(pod),
    )
    if not done:
        raise AlreadyExists(f"there is a pod named {pod.name} already")


def update(engine: Engine, pod: Pod, **changes: object) -> Pod:
    """Change fields; the pod then."""
    changed = pod.replace(**changes)
    engine.database.execute("UPDATE pods SET config = ? WHERE id = ?", _text(changed), pod.id)
    return changed


def delete(engine: Engine, identity: str) -> None:
    """Forget it. Its containers are gone already."""
    engine.database.execute("DELETE FROM pods WHERE id = ?", identity)


def by_name(engine: Engine, name: str) -> Pod | None:
    """The pod of a whole name."""
    row = engine.database.row(f"{_SELECT} WHERE name = ?", name)
    return None if row is None else _pod(*row)


def by_id(engine: Engine, identity: str) -> Pod | None:
    """The pod of a whole id."""
    row = engine.database.row(f"{_SELECT} WHERE id = ?", identity)
    return None if row is None else _pod(*row)


def find(engine: Engine, identity: str) -> Pod:
    """The pod of an id or its unique beginning. Raises NoSuchPod, AmbiguousName."""
    found = [pod for row in _beginning(engine, identity) if (pod := _pod(*row)) is not None]
    if len(found) > 1:
        raise AmbiguousName(f"pod id {identity!r} fits several pods", remedy="give more digits")
    if not found:
        raise NoSuchPod(identity)
    return found[0]


def everything(engine: Engine) -> list[Pod]:
    """All sandboxes of any server, oldest first."""
    rows = engine.database.rows(f"{_SELECT} ORDER BY created, id")
    return [pod for row in rows if (pod := _pod(*row)) is not None]


_SELECT = "SELECT id, name, created, config FROM pods"


def _beginning(engine: Engine, identity: str) -> list[tuple[str, str, int, str]]:
    if not identity or set(identity) - set("0123456789abcdef"):
        return []
    return engine.database.rows(
        f"{_SELECT} WHERE id >= ? AND id < ? LIMIT 2", identity, identity + "g"
    )


def _text(pod: Pod) -> str:
    fields = {key: value for key, value in pod.as_dict().items() if key not in _IN_COLUMNS}
    fields["config"] = base64.b64encode(pod.config).decode()
    return json.dumps({"cri": fields})


def _pod(identity: str, name: str, created: int, text: str) -> Pod | None:
    """The pod of a row; None for one that is not of the CRI."""
    fields = json.loads(text).get("cri")
    if fields is None:
        return None
    fields["config"] = base64.b64decode(fields["config"])
    return Pod(id=identity, name=name, created=created, **fields)
