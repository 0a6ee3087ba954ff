"""A layer of the overlay driver is made of its archive."""

from __future__ import annotations

import os

from ..archive.extract import extract

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..archive.whiteouts import Whiteouts
    from ..contracts.storage import LayerUsage
    from ..streams import Readable

_NO_ROOT = 0o3001
"""Mode of a new layer's root until its archive sets one: no archive has this by accident."""


def unpack(
    archive: Readable, layer: str, *, whiteouts: Whiteouts, ignore_chown_errors: bool
) -> LayerUsage:
    """Unpack into the new directory `layer`: `diff`, and `root` where the archive had its root.

    Raises as `archive.extract`.
    """
    diff = f"{layer}/diff"
    os.mkdir(diff)
    os.chmod(diff, _NO_ROOT)
    descriptor = os.open(diff, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        usage = extract(
            archive, descriptor, whiteouts=whiteouts, ignore_chown_errors=ignore_chown_errors
        )
    finally:
        os.close(descriptor)
    if os.stat(diff).st_mode & 0o7777 == _NO_ROOT:
        os.chmod(diff, 0o755)
    else:
        os.mkdir(f"{layer}/root", 0o700)
    return usage
