"""The volumes of a container: named ones, anonymous ones, those that the image declares."""

from __future__ import annotations

from ..state import containers as rows
from .names import identifier
from .request import Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from typing import Any

    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest


def prepare(
    engine: Engine,
    row: Container,
    request: ContainerRequest,
    image: Mapping[str, Any],
    undo: ExitStack,
) -> ContainerRequest:
    """Make the volumes that are not there yet and note their use; every mount is named then."""
    mounts = with_image_volumes(request, image)
    prepared = []
    for mount in mounts:
        if mount.kind == "volume":
            mount = _volume(engine, row, mount, undo)
        prepared.append(mount)
    return request.replace(mounts=tuple(prepared))


def with_image_volumes(request: ContainerRequest, image: Mapping[str, Any]) -> tuple[Mount, ...]:
    """The user's mounts, and those for the image's VOLUMEs that no mount of the user replaces."""
    taken = {mount.destination.rstrip("/") for mount in request.mounts}
    kind = {"anonymous": "volume", "bind": "volume", "tmpfs": "tmpfs"}.get(request.image_volumes)
    declared = sorted(image.get("Volumes") or ()) if kind else []
    added = tuple(
        Mount(kind, path)
        for path in (destination.rstrip("/") for destination in declared)
        if kind and path and path not in taken
    )
    return request.mounts + added


def _volume(engine: Engine, row: Container, mount: Mount, undo: ExitStack) -> Mount:
    if mount.source.startswith("/"):
        return mount
    name = mount.source or identifier()
    made = engine.volumes.ensure(name, anonymous=not mount.source)
    rows.add_volume(engine.database, row.id, name, mount.destination)
    if made:
        undo.callback(_undo_volume, engine, row, name)
    return mount.replace(source=name)


def _undo_volume(engine: Engine, row: Container, name: str) -> None:
    rows.drop_volume(engine.database, row.id, name)
    engine.volumes.remove(name)


def unmount(engine: Engine, container: str) -> None:
    """Unmount volumes with a file system of their own that no other running container uses."""
    for name in rows.idle_volumes(engine.database, container):
        engine.volumes.unmount(name)
