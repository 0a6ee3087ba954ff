"""Namespaces of other containers that a container joins (`--pid container:NAME`, ...)."""

from __future__ import annotations

from ..errors import WrongState
from ..state import containers as rows
from .state import derive, has_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from .request import ContainerRequest

# The request's field, the spec's name and the file in /proc/PID/ns of each kind.
_KINDS = (
    ("pid", "pid", "pid"),
    ("ipc", "ipc", "ipc"),
    ("uts", "uts", "uts"),
    ("cgroup", "cgroup", "cgroup"),
    ("userns", "user", "user"),
)


def namespaces(engine: Engine, request: ContainerRequest) -> dict[str, str]:
    """Kind to path of each namespace to be joined."""
    found = {}
    for field, kind, file in _KINDS:
        mode: str = getattr(request, field)
        if mode.startswith("container:"):
            found[kind] = path_of(engine, mode.removeprefix("container:"), file)
    return found


def path_of(engine: Engine, name: str, file: str) -> str:
    """The namespace file of a running container. Raises NoSuchContainer, WrongState."""
    other = derive(engine, rows.find(engine.database, name))
    if not has_process(other):
        raise WrongState(
            f"cannot join the {file} namespace of container {name}: it is {other.status}",
            remedy=f"start {name} first",
        )
    return f"/proc/{other.pid}/ns/{file}"
