"""A container's root file system as a tar (podman-export(1)), and what changed in it (diff)."""

from __future__ import annotations

from ..errors import WrongState
from . import mounting, notify, rootfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contracts.storage import Change
    from ..engine import Engine
    from ..state.containers import Container
    from ..streams import Writable

HIDDEN = frozenset(
    (
        "/dev",
        "/etc/hostname",
        "/etc/hosts",
        "/etc/mtab",
        "/etc/resolv.conf",
        "/proc",
        "/run",
        "/run/.containerenv",
        "/run/notify",
        "/run/secrets",
        "/sys",
    )
)
"""What a start puts into every container: podman does not call that a change."""


def export(engine: Engine, row: Container, out: Writable) -> tuple[str, ...]:
    """Write the whole tree as an uncompressed tar; warnings about what changed meanwhile.

    Volumes and other mounts are not in it. Raises NoSpace, StoreError.
    """
    from ..archive.create import write_tree
    from ..archive.ids import IdMaps
    from ..archive.whiteouts import PLAIN
    from .stored import request_of

    request = request_of(row.request)
    maps = request.uid_map or request.gid_map
    ids = IdMaps(request.uid_map or maps, request.gid_map or maps) if maps else None
    with mounting.mounted(engine, row) as root:
        warnings = write_tree(root, out, whiteouts=PLAIN, ids=ids)
    notify.event(engine, row, "export")
    return warnings


def changes(engine: Engine, row: Container) -> Iterator[Change]:
    """What differs from the image, sorted, without what a start puts there (podman-diff(1)).

    Raises WrongState for a container on a root directory of the host, which has no image.
    """
    if not row.layer:
        raise WrongState(f"container {row.id} runs on a root directory: it has no image to differ")
    with rootfs.own_layer(engine, row):
        found = engine.layers.changes(row.layer, rootfs.parent(row))
    return (change for change in found if change.path not in HIDDEN)
