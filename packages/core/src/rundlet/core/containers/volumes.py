"""The volumes of a container: named ones, anonymous ones, those that the image declares."""

from __future__ import annotations

from ..errors import InvalidArgument, NoSuchVolume, RundletError
from ..state import containers as rows
from .names import identifier
from .request import Mount
from .stored import request_of

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
    request = request.replace(mounts=request.mounts + _from_others(engine, request))
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


def _from_others(engine: Engine, request: ContainerRequest) -> tuple[Mount, ...]:
    """The mounts of --volumes-from NAME[:OPTIONS], where the user mounts nothing else.

    Raises NoSuchContainer, InvalidArgument.
    """
    taken = {mount.destination.rstrip("/") for mount in request.mounts}
    found: dict[str, Mount] = {}
    for text in request.volumes_from:
        name, _, options = text.partition(":")
        words = [word for word in options.split(",") if word]
        if not set(words) <= {"ro", "rw", "z"}:
            raise InvalidArgument(
                f"invalid --volumes-from {text!r}", remedy="options are ro, rw and z"
            )
        other = request_of(rows.find(engine.database, name).request)
        for mount in other.mounts:
            destination = mount.destination.rstrip("/")
            if mount.kind not in ("bind", "volume") or destination in taken:
                continue
            if words:
                kept = tuple(word for word in mount.options if word not in ("ro", "rw"))
                mount = mount.replace(options=(*kept, *words))
            found[destination] = mount
    return tuple(found.values())


def _volume(engine: Engine, row: Container, mount: Mount, undo: ExitStack) -> Mount:
    if mount.source.startswith("/"):
        return mount
    if mount.source and "nocreate" in mount.options and not engine.volumes.exists(mount.source):
        raise NoSuchVolume(mount.source)
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


def unmount_images(engine: Engine, row: Container) -> None:
    """Give back the images that `--mount type=image` mounted for this container."""
    if '"image"' not in row.request:
        return  # most have none: their request is not read
    for mount in request_of(row.request).mounts:
        if mount.kind != "image":
            continue
        from ..images.mounting import unmount as unmount_image

        try:
            unmount_image(engine, engine.images.get(mount.source), row.id)
        except RundletError:
            continue  # the image is gone, and its mount with it
