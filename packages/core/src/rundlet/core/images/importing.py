"""An image of one layer from a tarball (podman-import(1))."""

from __future__ import annotations

import time

from ..content.compress import decompressed
from ..content.sources import opened
from ..errors import Corrupt
from ..format.times import rfc3339
from . import platforms
from .changes import apply
from .composing import keep, write_image
from .names import stored_name
from .notify import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..engine import Engine
    from ..state.images import Image


def import_tarball(
    engine: Engine,
    source: str,
    name: str,
    changes: Sequence[str],
    message: str,
    platform: str,
) -> Image:
    """See `Images.import_`. Raises NotFound, Corrupt, UnsafeArchive, InvalidArgument."""
    config: dict[str, Any] = {}
    apply(config, changes)  # before anything is read: a wrong one costs no download
    names = (str(stored_name(name)),) if name else ()
    message = message or f"Imported from {source}"
    try:
        with opened(source) as stream, decompressed(stream) as plain:
            layer = keep(engine, plain)
        document = _document(config, layer.diff_id, message, platform)
        image = write_image(engine, document, [layer.blob], names=names)
    except Corrupt as error:
        raise Corrupt(f"{source} is no whole tarball: {error.message}") from None
    event(engine, "import", image.id, name)
    return image


def _document(config: dict[str, Any], diff_id: str, message: str, platform: str) -> dict[str, Any]:
    """The image config (image-spec config.md)."""
    here = platforms.parse_platform(platform) if platform else platforms.native()
    now = rfc3339(time.time_ns())
    document = {
        "created": now,
        "architecture": here.architecture,
        "os": here.os,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": now, "created_by": "", "comment": message}],
    }
    return {**document, "variant": here.variant} if here.variant else document
