"""Images mounted read-only: for people (`image mount`) and for containers (image volumes).

One mount of the image's top layer serves all who asked for it; each leaves a mark in the
run root, and the last one to go unmounts. After a reboot there are neither.
"""

from __future__ import annotations

import os

from ..contracts.storage import MountOptions
from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.images import Image

USER = "user"
"""The mark of `image mount`; containers leave their id."""


def mount(engine: Engine, image: Image, who: str = USER) -> str:
    """Mount; the path of the root directory. Raises InvalidArgument for one without layers."""
    with engine.locks.hold("image-mount", image.id):
        _mark(engine, image, who)
        return _mount(engine, image)


def view(engine: Engine, image: Image, who: str, target: str, options: MountOptions) -> None:
    """Mount at a directory of the caller's, with owners as the maps of `options` say.

    The mark is as that of `mount`; the mount itself is the caller's to undo. Raises
    InvalidArgument for an image without layers, NotSupported where there are no such mounts.
    """
    with engine.locks.hold("image-mount", image.id):
        _mark(engine, image, who)
        engine.layers.view(image.top_layer or "", target, options)


def _mark(engine: Engine, image: Image, who: str) -> None:
    if not image.top_layer:
        raise InvalidArgument(f"image {image.id[:12]} has no layers to mount")
    marks = _marks(engine, image.id)
    os.makedirs(marks, mode=0o700, exist_ok=True)
    os.close(os.open(f"{marks}/{who}", os.O_CREAT | os.O_CLOEXEC, 0o600))


def unmount(engine: Engine, image: Image, who: str = USER, *, force: bool = False) -> bool:
    """Take a mark away, with force all of them; whether it was there."""
    marks = _marks(engine, image.id)
    with engine.locks.hold("image-mount", image.id):
        try:
            there = set(os.listdir(marks))
        except FileNotFoundError:
            return False
        gone = there if force else there & {who}
        for mark in gone:
            os.unlink(f"{marks}/{mark}")
        if gone == there:
            engine.layers.unmount(image.top_layer or "")
            os.rmdir(marks)
        return bool(gone)


def users(engine: Engine, image: Image) -> set[str]:
    """The marks of all who have an image mounted."""
    try:
        return set(os.listdir(_marks(engine, image.id)))
    except FileNotFoundError:
        return set()


def release(engine: Engine, who: str) -> None:
    """Take away all marks of one who knows no more what it has mounted."""
    try:
        ids = os.listdir(_marks(engine, ""))
    except FileNotFoundError:
        return
    for identity in ids:
        image = engine.images.find(identity)
        if image is not None and os.path.exists(f"{_marks(engine, identity)}/{who}"):
            unmount(engine, image, who)


def listed(engine: Engine) -> list[tuple[Image, str]]:
    """The images that `mount` mounted for the user, and where."""
    try:
        ids = sorted(os.listdir(_marks(engine, "")))
    except FileNotFoundError:
        return []
    found = []
    for identity in ids:
        image = engine.images.find(identity)
        if image is not None and os.path.exists(f"{_marks(engine, identity)}/{USER}"):
            found.append((image, _mount(engine, image)))
    return found


def _mount(engine: Engine, image: Image) -> str:
    top = image.top_layer or ""
    parent = engine.layers.get(top)
    below = parent.parent if parent is not None else ""
    return engine.layers.mount(top, below or "", MountOptions(read_only=True))


def _marks(engine: Engine, image: str) -> str:
    return f"{engine.settings.run_root}/images/{image}"
