"""The root file system of a container, mounted and released."""

from __future__ import annotations

import json
import os

from ..contracts.storage import MountOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest


def mount(engine: Engine, row: Container, request: ContainerRequest) -> str:
    """Mount the container's layer over its image's; the absolute path of the root.

    A root directory (`--rootfs`) is used as it is.
    """
    if not row.layer:
        return os.path.realpath(request.rootfs)
    options = MountOptions(
        uid_map=request.uid_map or request.gid_map,
        gid_map=request.gid_map or request.uid_map,
        extra=request.storage_options,
    )
    return engine.layers.mount(row.layer, parent(row), options)


def unmount(engine: Engine, row: Container) -> None:
    """Undo `mount`; nothing happens when it is not mounted."""
    if row.layer:
        engine.layers.unmount(row.layer)


def parent(row: Container) -> str:
    """The top layer of the image that the container was made from; "" for none."""
    return str(json.loads(row.extra).get("parent", ""))
