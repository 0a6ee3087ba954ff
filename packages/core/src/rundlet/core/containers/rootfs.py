"""The root file system of a container, mounted and released."""

from __future__ import annotations

from contextlib import contextmanager

from .. import json
from ..contracts.storage import MountOptions
from ..errors import Corrupt, RundletError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest


def mount(engine: Engine, row: Container, request: ContainerRequest) -> str:
    """Mount the container's layer over its image's; the absolute path of the root.

    Of a root directory (`--rootfs`): see root_directory.py.
    """
    if not row.layer:
        from . import root_directory

        return root_directory.mount(engine, row, request, label(request))
    options = MountOptions(
        uid_map=request.uid_map or request.gid_map,
        gid_map=request.gid_map or request.uid_map,
        label=label(request),
        extra=request.storage_options,
    )
    with own_layer(engine, row):
        return engine.layers.mount(row.layer, parent(row), options)


@contextmanager
def own_layer(engine: Engine, row: Container) -> Iterator[None]:
    """What is done with the container's writable layer: where that is gone, the error names the
    container, which no image brings back.
    """
    try:
        yield
    except (RundletError, OSError):
        if not row.layer or engine.layers.driver.exists(row.layer):
            raise
        raise Corrupt(
            f"container {row.id} ({row.name}): its writable layer is gone",
            remedy="`system check --repair` removes what is left of the container.",
        ) from None


def label(request: ContainerRequest) -> str:
    """The SELinux context of the container's files, "" for none (or no SELinux)."""
    asked = any(option.startswith("label") for option in request.security_options)
    if not asked or request.privileged:
        return ""
    from ..linux import selinux
    from ..spec.labels import labels

    return labels(request.security_options).mount if selinux.enabled() else ""


def unmount(engine: Engine, row: Container) -> None:
    """Undo `mount`; nothing happens when it is not mounted."""
    if row.layer:
        engine.layers.unmount(row.layer)
    elif '"rootfs_' in row.request:
        from . import root_directory

        root_directory.unmount(engine, row)


def parent(row: Container) -> str:
    """The top layer of the image that the container was made from; "" for none."""
    return str(json.loads(row.extra).get("parent", ""))
