"""What would be mounted in a container that does not run: shown for a copy, and put away after."""

from __future__ import annotations

from contextlib import contextmanager

from ..errors import WrongState
from ..linux.mounts import is_mounted
from ..spec import mount_options
from . import volumes
from .mounts import below
from .state import has_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine
    from ..state.containers import Container
    from .request import Mount


def is_filled_from_root(row: Container, mount: Mount) -> bool:
    """Whether it is a tmpfs that will begin as a copy of the directory below it, which podman
    copies to and from until then.
    """
    if mount.kind != "tmpfs" or has_process(row):
        return False
    return "tmpcopyup" in mount_options.tmpfs(mount.options)


@contextmanager
def shown(engine: Engine, row: Container, mount: Mount) -> Iterator[str]:
    """The path on the host of what a mount would show.

    Raises WrongState for what is not there before the container runs.
    """
    if mount.kind == "bind" or (mount.kind == "volume" and mount.source.startswith("/")):
        yield mount.source
    elif mount.kind == "volume":
        was_mounted = is_mounted(engine.volumes.path(mount.source))
        try:
            yield below(engine.volumes.mount(mount.source), mount)
        finally:
            if not was_mounted:
                volumes.unmount(engine, row.id)
    elif mount.kind == "image" and not _is_writable(mount):
        from ..images import mounting

        image = engine.images.get(mount.source)
        try:
            yield below(mounting.mount(engine, image, row.id), mount)
        finally:
            mounting.unmount(engine, image, row.id)
    else:
        raise WrongState(
            f"{mount.destination} in container {row.id} is of kind {mount.kind},"
            " which is not there while it does not run",
            remedy=f"start {row.name} first",
        )


def _is_writable(mount: Mount) -> bool:
    """Whether an image gets an overlay of its own, which is new with each start."""
    return any(word.startswith(("rw", "readwrite")) for word in mount.options)
