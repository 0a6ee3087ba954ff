"""User namespaces of builds: a layer is shown to one while a command runs in it, and no longer.

All that steps do themselves is done in the ids that the image has. What a command makes gets
the image's ids back when its namespace is gone; that and the way there are the storage
driver's (core `storage/shifted.py`).
"""

from __future__ import annotations

from contextlib import contextmanager

from rundlet.core.containers import userns
from rundlet.core.contracts.storage import MountOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.containers.request import ContainerRequest
    from rundlet.core.storage.layers import Layers


@contextmanager
def mapped(layers: Layers, layer: str, parent: str, request: ContainerRequest) -> Iterator[None]:
    """A mounted layer, mounted by the request's id maps until the block ends."""
    if not request.uid_map:
        yield
        return
    layers.unmount(layer)
    try:
        layers.mount(layer, parent, MountOptions(uid_map=request.uid_map, gid_map=request.gid_map))
        yield
    finally:
        layers.unmount(layer)
        layers.mount(
            layer, parent, MountOptions(uid_map=userns.own("uid"), gid_map=userns.own("gid"))
        )
