"""Pushing: an image of the store to any transport."""

from __future__ import annotations

from ..errors import InvalidArgument
from ..state import images as rows
from . import names
from . import reference as references
from .copy import CopyOptions, copy
from .notify import event
from .progress import SILENT
from .store_source import StoreSource
from .telling import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.transport import Location, Platform, TransportSettings
    from ..engine import Engine
    from ..state.images import Image
    from .lists import ManifestList
    from .plan import Wishes
    from .progress import Progress


def push(
    engine: Engine,
    name: str,
    destination: str,
    settings: TransportSettings,
    options: CopyOptions,
    progress: Progress | None,
    platform: Platform | None,
) -> str:
    """Push one image; the digest of the manifest at the destination. See `Images.push`.

    options: wishes, keys, and who signs. platform: which image of a list; None for all of it.
    """
    image = _instance(engine, name, platform) if platform else engine.images.find(name)
    if image is None:
        from . import list_push

        more = engine.settings.add_compression
        whole = options.replace(all_instances=True, add_compression=more)
        return list_push.push(engine, _list(engine, name), destination, settings, whole, progress)
    location = _location(engine, image, name, destination)
    transport = engine.plugins.transport(location.transport)
    options = options.replace(
        wishes=configured(engine, options.wishes, location.transport),
        parallel=engine.settings.image_parallel_copies,
    )
    with (
        StoreSource(engine, image) as source,
        transport.destination(location, told(engine, settings)) as target,
    ):
        copied = copy(source, target, options, progress or SILENT)
    if location.transport == "docker":
        repository = references.parse(location.name).repository
        rows.add_digest(engine.database, image.id, repository, copied.digest)
    event(engine, "push", image.id, destination or name)
    return copied.digest


def _instance(engine: Engine, name: str, platform: Platform) -> Image:
    from .lists import instance

    return instance(engine, name, platform)


def _list(engine: Engine, name: str) -> ManifestList:
    """The list of this name, of which no image is for this machine: it is pushed whole.

    Raises NoSuchImage.
    """
    from .lists import Lists

    return Lists(engine).get(name)


def configured(engine: Engine, wishes: Wishes, transport: str) -> Wishes:
    """With the configured format and compression, where none is asked for and what is written can
    have it.

    containers.conf(5). image_default_format: of what goes to a registry. compression_format: not
    of Docker's own formats.
    """
    settings = engine.settings
    zstd = wishes.compression.startswith("zstd")
    if transport == "docker" and not wishes.format and not zstd:
        wishes = wishes.replace(format=settings.image_default_format)
    docker = wishes.format.startswith("v2s") or transport in ("docker-archive", "docker-daemon")
    if wishes.compression or wishes.plain or docker:
        return wishes
    level = settings.compression_level if wishes.level is None else wishes.level
    wanted = settings.compression_format
    return wishes.replace(compression=wanted, force=wishes.force or bool(wanted), level=level)


def _location(engine: Engine, image: Image, name: str, destination: str) -> Location:
    """Where to: a transport, a registry name, or the image's own name."""
    text = destination
    if not text:
        known = [full for full in image.names if name in (full, full.removesuffix(":latest"))]
        text = known[0] if known else name if not image.id.startswith(name) else ""
        if not text and image.names:
            text = image.names[0]
    if not text:
        raise InvalidArgument(f"image {name} has no name to push to", remedy="Give a destination.")
    split = names.split_transport(engine, text)
    if split is not None:
        return engine.plugins.transport(split[0]).parse(split[1])
    return engine.plugins.transport("docker").parse(f"//{text}")
