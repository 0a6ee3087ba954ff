"""Who takes how much space: `system df` (podman-system-df(1))."""

from __future__ import annotations

import os
import stat

from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..artifacts.store import Artifact
    from ..engine import Engine
    from ..images.summary import ImageSummary
    from ..state.containers import ContainerRow
    from ..state.volumes import Volume

_BLOCK = 512  # bytes: stat(2), st_blocks


class ImageUsage(Value):
    """An image. shared, unique: bytes of its layers that other images have too, or only it."""

    image: ImageSummary
    shared: int
    unique: int


class ContainerUsage(Value):
    """A container. size: bytes of its writable layer. volumes: how many it uses."""

    container: ContainerRow
    size: int
    volumes: int


class VolumeUsage(Value):
    """A volume. links: containers that use it. size: bytes on disk."""

    volume: Volume
    links: int
    size: int


class ArtifactUsage(Value):
    """An artifact. containers: how many mount it."""

    artifact: Artifact
    containers: int


class CacheUsage(Value):
    """A cache of `RUN --mount=type=cache`. active: a build has it now. size: bytes on disk."""

    name: str
    active: bool
    size: int


def images(engine: Engine) -> list[ImageUsage]:
    """Every image, newest first."""
    sizes = _sizes(engine)
    chains = {identity: engine.layers.chain(top or "") for identity, top in _tops(engine)}
    users: dict[str, int] = {}
    for chain in chains.values():
        for layer in chain:
            users[layer] = users.get(layer, 0) + 1
    found = []
    for image in engine.images.list():
        chain = chains.get(image.id, ())
        shared = sum(sizes.get(layer, 0) for layer in chain if users[layer] > 1)
        unique = sum(sizes.get(layer, 0) for layer in chain if users[layer] == 1)
        found.append(ImageUsage(image, shared, unique))
    return found


def layers(engine: Engine, *, unused: bool = False) -> int:
    """Bytes of all image layers, each counted once.

    unused: of those that could be removed, as no container needs them and we may.
    """
    sizes = _sizes(engine)
    if unused:
        active = {row[0] for row in engine.database.rows("SELECT image FROM image_users")}
        kept = engine.database.rows("SELECT id FROM images WHERE store != ''")
        active.update(row[0] for row in kept)
        for identity, top in _tops(engine):
            if identity in active:
                for layer in engine.layers.chain(top or ""):
                    sizes.pop(layer, None)
    return sum(sizes.values())


def unfinished(engine: Engine) -> int:
    """Bytes of what pulls that were interrupted have fetched: blobs, whole and in part.

    A pull of the same image goes on from the whole ones; a prune removes them.
    """
    from ..state import layers as rows
    from ..state import leases

    database = engine.database
    held = leases.held(database, "blob")
    whole = sum(size for digest, size in rows.blobs_of_nothing(database) if digest not in held)
    parts = {one.object for one in leases.dead(database) if one.kind == "file"}
    places = (f"{place}/{name}" for name in parts for place in engine.blobs.files.temporaries)
    return whole + sum(map(_size, places))


def _size(path: str) -> int:
    """Bytes of a file, 0 where there is none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _sizes(engine: Engine) -> dict[str, int]:
    """Bytes of each image layer."""
    return dict(engine.database.rows("SELECT id, size FROM layers"))


def _tops(engine: Engine) -> list[tuple[str, str | None]]:
    return engine.database.rows("SELECT id, top_layer FROM images")


def containers(engine: Engine) -> list[ContainerUsage]:
    """Every container, oldest first, with its true state."""
    used = dict(
        engine.database.rows("SELECT container, count(*) FROM container_volumes GROUP BY container")
    )
    return [
        ContainerUsage(row, writable(engine, row), used.get(row.id, 0))
        for row in engine.containers.list()
    ]


def writable(engine: Engine, row: ContainerRow) -> int:
    """Bytes of a container's own layer, as far as that can be read."""
    return _layer(engine, row.layer)


def _layer(engine: Engine, layer: str) -> int:
    from ..errors import RundletError

    try:
        return engine.layers.usage(layer).size if layer else 0
    except (RundletError, OSError):  # removed meanwhile, or damaged: `system check` says so
        return 0


def volumes(engine: Engine) -> list[VolumeUsage]:
    """Every volume by name."""
    return [
        VolumeUsage(
            volume,
            len(engine.volumes.users(volume.name)),
            _layer(engine, volume.layer)
            if volume.layer
            else _on_disk(engine.volumes.path(volume.name)),
        )
        for volume in engine.volumes.list()
    ]


def artifacts(engine: Engine) -> list[ArtifactUsage]:
    """Every artifact by name."""
    from ..containers.stored import request_of
    from ..errors import AmbiguousName, NoSuchArtifact
    from ..state.containers import requests_with

    users: dict[str, int] = {}
    for _, request in requests_with(engine.database, '"artifact"'):
        mounts = request_of(request).mounts
        for source in {mount.source for mount in mounts if mount.kind == "artifact"}:
            try:
                name = engine.artifacts.get(source).name
            except (NoSuchArtifact, AmbiguousName):  # removed since
                continue
            users[name] = users.get(name, 0) + 1
    return [ArtifactUsage(one, users.get(one.name, 0)) for one in engine.artifacts.list()]


def build_caches(engine: Engine) -> list[CacheUsage]:
    """Every cache of builds by name."""
    from .builds import caches

    return [
        CacheUsage(os.path.basename(path), active, _on_disk(path))
        for path, active in caches(engine)
    ]


def _on_disk(directory: str) -> int:
    """Bytes that the files below a directory take, as du(1) counts: each inode once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for info in _inodes(directory):
        if (info.st_dev, info.st_ino) not in seen:
            seen.add((info.st_dev, info.st_ino))
            total += info.st_blocks * _BLOCK if info.st_blocks else info.st_size
    return total


def _inodes(top: str) -> Iterator[os.stat_result]:
    """What is below a directory, without following links; what vanishes meanwhile is left out."""
    waiting = [top]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    info = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(info.st_mode):
                        waiting.append(entry.path)
                    else:
                        yield info
        except OSError:
            continue
