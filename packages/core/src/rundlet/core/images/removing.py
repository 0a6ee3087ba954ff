"""Removing images: one by its name (`rmi`), or many that nobody uses (`image prune`)."""

from __future__ import annotations

from ..errors import InUse, NoSuchImage, WrongState
from ..state import images as rows
from ..state import volumes as volume_rows
from ..value import Value
from .mounting import unmount, users
from .names import meant
from .notify import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..engine import Engine
    from ..state.images import Image

_AT_ONCE = 64
"""Images that `prune` removes in one transaction."""


class Removed(Value):
    """What removing an image did: names that are gone, and ids of images that are."""

    untagged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


def remove(engine: Engine, name: str, force: bool, collect: bool) -> Removed:
    """See `Images.remove`."""
    image = engine.images.named(name)
    if image is None:
        raise NoSuchImage(name)
    if image.store:
        raise WrongState(
            f'cannot remove read-only image "{image.id}"',
            remedy=f"It is in the additional image store {image.store}.",
        )
    by_id = image.id.startswith(name.removeprefix("sha256:")) and name not in image.names
    if not by_id and len(image.names) > 1:
        full = meant(image, name)
        with engine.database.transaction():
            rows.drop_name(engine.database, full)
            event(engine, "untag", image.id, full)
        return Removed(untagged=(full,))
    if by_id and len(image.names) > 1 and not force:
        raise WrongState(
            f'unable to delete image "{image.id}" by ID with more than one tag'
            f" ([{' '.join(image.names)}]): please force removal"
        )
    _free(engine, image, force)
    with engine.database.transaction():
        _delete(engine, image, image.id if by_id else meant(image, name))
    if collect:
        engine.layers.collect()
    return Removed(untagged=image.names, deleted=(image.id,))


def prune(engine: Engine, images: Sequence[str]) -> Iterator[str]:
    """See `Images.prune`. Some at a time, at first a few: a full disk has no space for the rows of
    many, until the files of those before are gone.
    """
    left = list(images)
    count = 1
    engine.layers.collect()  # what is of no image is in nobody's list
    while left:
        gone = _pruned(engine, left[:count])
        engine.layers.collect()
        yield from gone
        del left[:count]
        count = min(count * 2, _AT_ONCE)


def _pruned(engine: Engine, images: Sequence[str]) -> list[str]:
    gone = []
    with engine.database.transaction():
        for identity in images:
            image = rows.get(engine.database, identity)
            if image is None or image.store or rows.users(engine.database, identity):
                continue
            if users(engine, image) or volume_rows.of_image(engine.database, identity):
                continue
            _delete(engine, image, image.id)
            gone.append(identity)
    return gone


def _delete(engine: Engine, image: Image, name: str) -> None:
    """name: the one that it is removed by."""
    rows.delete(engine.database, image.id)
    for full in image.names:
        event(engine, "untag", image.id, full)
    event(engine, "remove", image.id, name)


def _free(engine: Engine, image: Image, force: bool) -> None:
    """Have no container and no volume use the image. Raises InUse."""
    containers = rows.users(engine.database, image.id)
    if containers and not force:
        listed = ", ".join(container for container, _, _ in containers)
        raise InUse(
            f"image used by {listed}: image is in use by a container: consider listing"
            " external containers and force-removing image"
        )
    volumes = volume_rows.of_image(engine.database, image.id)
    if volumes and not force:
        raise InUse(
            f"image used by volume {', '.join(volumes)}: image is in use by a volume",
            remedy="Remove that (volume rm), or the image by force, and all that uses it.",
        )
    _unmount(engine, image, force)
    found = [container for container, _, _ in containers]
    for container in engine.containers.dependents_first(found):
        engine.containers.remove(container, force=True)
    for volume in volumes:
        engine.volumes.remove(volume, force=True)


def _unmount(engine: Engine, image: Image, force: bool) -> None:
    """Whoever sees its files would see them go. Raises InUse."""
    mounted = users(engine, image)
    if mounted and not force:
        raise InUse(
            f"image {image.id[:12]} is mounted, by a user or as a volume of a container",
            remedy="unmount it with image unmount, or remove the containers",
        )
    if mounted:
        unmount(engine, image, force=True)
