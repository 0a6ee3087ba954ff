"""Namespaces of other containers that a container joins (`--pid container:NAME`, ...)."""

from __future__ import annotations

from ..errors import NoSuchContainer, WrongState
from ..state import containers as rows
from .state import derive, has_process
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

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


def with_dependents(engine: Engine, ids: Sequence[str]) -> list[str]:
    """The ids, each after all containers that join a namespace of it, directly or not."""
    joins = {row.id: _joins(engine, row.id) for row in rows.everything(engine.database)}
    found: dict[str, None] = {}

    def add(container: str) -> None:
        for other, joined in joins.items():
            if container in joined and other not in found:
                add(other)
        found[container] = None

    for container in ids:
        add(container)
    return list(found)


def _joins(engine: Engine, container: str) -> set[str]:
    """Ids of the containers whose namespaces a container joins."""
    row = rows.by_id(engine.database, container)
    if row is None:
        return set()
    request = request_of(row.request)
    modes = [str(getattr(request, field)) for field, _, _ in _KINDS]
    names = [mode.removeprefix("container:") for mode in (*modes, request.network)
             if mode.startswith("container:")]  # fmt: skip
    found = set()
    for name in names:
        try:
            found.add(rows.find(engine.database, name).id)
        except NoSuchContainer:
            continue
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
