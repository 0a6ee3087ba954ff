"""The user's and the image's mounts, with volumes and images as directories of the host."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest, Mount


def resolve(
    engine: Engine, row: Container, request: ContainerRequest, rootfs: str
) -> tuple[Mount, ...]:
    """Every mount with a host source. A volume that is used first is filled from the image."""
    return tuple(
        _volume(engine, mount, rootfs)
        if mount.kind == "volume" and not mount.source.startswith("/")
        else mount
        for mount in request.mounts
    )


def _volume(engine: Engine, mount: Mount, rootfs: str) -> Mount:
    path = engine.volumes.mount(mount.source)
    if "nocopy" not in mount.options:
        engine.volumes.copy_up(mount.source, rootfs, mount.destination)
    return mount.replace(source=path)
