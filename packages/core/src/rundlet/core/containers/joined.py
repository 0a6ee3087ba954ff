"""Other containers that a container needs: those whose namespaces it joins
(`--pid container:NAME`, ...), and those of --requires.
"""

from __future__ import annotations

import os

from ..errors import AlreadyExists, InvalidArgument, RundletError, WrongState
from ..state import containers as rows
from .state import derive, has_process
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest

# The request's field, the spec's name and the file in /proc/PID/ns of each kind.
_CONTAINER = "container:"
_REQUIRES = '"requires"'
_FIELDS = ("network", "pid", "ipc", "uts", "cgroup", "userns")
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


def check_paths(request: ContainerRequest) -> None:
    """Namespaces that are joined by path must be there. Raises InvalidArgument."""
    for field in _FIELDS:
        mode: str = getattr(request, field)
        if mode.startswith("ns:") and not os.path.exists(mode.removeprefix("ns:")):
            raise InvalidArgument(
                f"cannot find specified {field} namespace path: {mode.removeprefix('ns:')}"
            )


def by_id(engine: Engine, request: ContainerRequest) -> ContainerRequest:
    """The request with ids for the names of other containers, which may get new names.

    Raises NoSuchContainer, AmbiguousName, InvalidArgument for one that keeps its IPC to itself.
    """
    changes: dict[str, object] = {}
    for field in _FIELDS:
        mode: str = getattr(request, field)
        if mode.startswith(_CONTAINER):
            name = mode.removeprefix(_CONTAINER)
            other = rows.find(engine.database, name)
            if field == "ipc" and request_of(other.request).ipc == "private":
                raise InvalidArgument(
                    f"joining IPC of container {other.id} is not allowed: non-shareable IPC"
                    " (hint: use IpcMode:shareable for the donor container)"
                )
            changes[field] = _CONTAINER + other.id
    if request.requires:
        changes["requires"] = tuple(rows.find(engine.database, n).id for n in request.requires)
    return request.replace(**changes) if changes else request


def needed(request: ContainerRequest) -> tuple[str, ...]:
    """Ids of the containers that a container needs."""
    modes = (str(getattr(request, field)) for field in _FIELDS)
    found = [mode.removeprefix(_CONTAINER) for mode in modes if mode.startswith(_CONTAINER)]
    return tuple(dict.fromkeys((*found, *request.requires)))


def start_needed(engine: Engine, row: Container) -> None:
    """Start what a container needs and does not run, in their order. Raises as `start`."""
    if _CONTAINER not in row.request and _REQUIRES not in row.request:
        return  # most need none: their request is not read
    from .start import start

    for other in needed(request_of(row.request)):
        found = derive(engine, rows.find(engine.database, other))
        if found.status in ("created", "exited"):
            start(engine, found).close()


def check_unneeded(engine: Engine, row: Container) -> None:
    """Raises AlreadyExists (podman's kind) when other containers need this one."""
    others = [
        other
        for other, request in rows.requests_with(engine.database, row.id)
        if other != row.id and row.id in needed(request_of(request))
    ]
    if others:
        raise AlreadyExists(
            f"container {row.id} has dependent containers which must be removed before it:"
            f" {', '.join(others)}: container already exists",
            remedy="--depend removes them too",
        )


def with_dependents(engine: Engine, names: Sequence[str]) -> list[str]:
    """The ids, each after all containers that need it, directly or not; first unknown names."""
    ids = _ids(engine, names)
    missing = [name for name in names if name not in ids]
    return [*missing, *_ordered(_needs(engine), list(ids.values()))]


def dependents_first(engine: Engine, names: Sequence[str]) -> Sequence[str]:
    """The same names, each after those of them that need it."""
    needs = _needs(engine)
    if not needs:
        return names
    ids = _ids(engine, names)
    order = _ordered(needs, list(ids.values()))
    return sorted(names, key=lambda name: order.index(ids[name]) if name in ids else -1)


def _ids(engine: Engine, names: Sequence[str]) -> dict[str, str]:
    """Those of the containers that are there; of another the error is told when its turn comes."""
    ids = {}
    for name in names:
        try:
            ids[name] = rows.find(engine.database, name).id
        except RundletError:
            continue
    return ids


def _needs(engine: Engine) -> dict[str, tuple[str, ...]]:
    """The containers that need others, and which."""
    marked = {
        **dict(rows.requests_with(engine.database, _CONTAINER)),
        **dict(rows.requests_with(engine.database, _REQUIRES)),
    }
    return {other: needed(request_of(request)) for other, request in marked.items()}


def _ordered(needs: Mapping[str, tuple[str, ...]], ids: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}

    def add(container: str) -> None:
        for other, its in needs.items():
            if container in its and other not in found:
                add(other)
        found[container] = None

    for container in ids:
        add(container)
    return list(found)


def path_of(engine: Engine, name: str, file: str) -> str:
    """The namespace file of a running container. Raises NoSuchContainer, WrongState."""
    other = derive(engine, rows.find(engine.database, name))
    if not has_process(other):
        raise WrongState(
            f"cannot join the {file} namespace of container {name}: it is {other.status}",
            remedy=f"start {name} first",
        )
    return f"/proc/{other.pid}/ns/{file}"
