"""Images of the engine as the CRI's messages."""

from __future__ import annotations

from rundlet.core import Engine
from rundlet.core.state.images import Image

from ..proto import api_pb2 as cri


def image_id(identity: str) -> str:
    """The id as the CRI has it: the config's digest."""
    return f"sha256:{identity}"


def image(engine: Engine, found: Image) -> cri.Image:
    """One image. `uid` or `username`: whom its config runs as, when it says."""
    message = cri.Image(
        id=image_id(found.id),
        repo_tags=found.names,
        repo_digests=found.digests,
        size=found.size,
        spec=cri.ImageSpec(image=image_id(found.id)),
        pinned=pinned(engine, found.id),
    )
    user = str(engine.images.config(found).config.get("User") or "").partition(":")[0]
    if user.isdecimal():
        message.uid.value = int(user)
    elif user:
        message.username = user
    else:
        message.uid.value = 0
    return message


def pinned(engine: Engine, identity: str) -> bool:
    """Whether kubelet must not collect it."""
    row = engine.database.row("SELECT pinned FROM images WHERE id = ?", identity)
    return bool(row and row[0])
