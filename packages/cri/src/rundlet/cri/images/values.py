"""Images of the engine as the CRI's messages."""

from __future__ import annotations

from rundlet.core import Engine
from rundlet.core.errors import InvalidArgument
from rundlet.core.images import reference as references
from rundlet.core.state.images import Image

from ..config.setup import config_of
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
        pinned=pinned(engine, found),
    )
    user = str(engine.images.config(found).config.get("User") or "").partition(":")[0]
    if user.isdecimal():
        message.uid.value = int(user)
    elif user:
        message.username = user
    else:
        message.uid.value = 0
    return message


def pinned(engine: Engine, image: Image) -> bool:
    """Whether kubelet must not collect it: pinned_images, and the pause image."""
    config = config_of(engine)
    patterns = (*config.texts("crio.image.pinned_images"), config.text("crio.image.pause_image"))
    if any(_fits(name, pattern) for name in image.names for pattern in patterns if pattern):
        return True
    row = engine.database.row("SELECT pinned FROM images WHERE id = ?", image.id)
    return bool(row and row[0])


def _fits(name: str, pattern: str) -> bool:
    """crio.conf(5): the whole name, a beginning ("registry/*"), or a word in it ("*word*")."""
    if pattern.startswith("*") and pattern.endswith("*") and len(pattern) > 1:
        return pattern[1:-1] in name
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    try:
        return name == str(references.parse(pattern).tagged())
    except InvalidArgument:
        return False
