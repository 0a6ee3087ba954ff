"""save and load: images to files and back."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from ..content.compress import decompressed, detect
from ..content.scratch import scratch
from ..contracts.transport import TransportSettings
from ..errors import Corrupt, InvalidArgument, RundletError, SettingsError
from ..transports.files import failing
from .copy import CopyOptions, copy
from .names import stored_name
from .notify import event
from .progress import SILENT
from .pull import copy_into_store, guarded
from .store_source import StoreSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.transport import ImageDestination
    from ..engine import Engine
    from ..state.images import Image
    from .plan import Wishes
    from .progress import Progress

FORMATS = {
    "docker-archive": "docker-archive",
    "oci-archive": "oci-archive",
    "oci-dir": "oci",
    "docker-dir": "dir",
}
"""Formats of `save` and the transport of each."""


def save(
    engine: Engine,
    images: Sequence[str],
    tags: Sequence[str],
    output: str,
    format: str,
    wishes: Wishes,
    progress: Progress | None,
) -> None:
    """See `Images.save`. Raises InvalidArgument for a format that cannot hold several."""
    if format not in FORMATS:
        raise InvalidArgument(f"unknown format {format!r}", remedy=", ".join(FORMATS))
    if len(images) > 1 and format != "docker-archive":
        raise InvalidArgument(f"format {format} can hold one image only")
    transport = engine.plugins.transport(FORMATS[format])
    settings = TransportSettings(temporary=Path(engine.blobs.temporary))
    kept = {"docker-dir": "v2s2", "oci-dir": "oci", "oci-archive": "oci"}
    options = CopyOptions(wishes=wishes.replace(format=kept.get(format, "")))
    found = [engine.images.get(name) for name in images]
    named = [(image, _name(image, name)) for image, name in zip(found, images, strict=True)]
    if format == "docker-archive":  # the others hold one name
        named += [(found[0], str(stored_name(tag))) for tag in tags]
    with ExitStack() as stack:
        targets: list[ImageDestination] = []
        for _, name in named:
            suffix = f":{name}" if name and format != "docker-dir" else ""
            location = transport.parse(output + suffix)
            if targets:  # the file appears when the last of them is committed
                targets.append(targets[0].another(location))
            else:
                targets.append(stack.enter_context(transport.destination(location, settings)))
        for (image, _), target in zip(named, targets, strict=True):
            with StoreSource(engine, image) as source:
                copy(source, target, options, progress or SILENT)
    for image in found:
        event(engine, "save", image.id, output)


def _name(image: Image, said: str) -> str:
    """The name to save an image under: the one that was said; none where it was an id."""
    if image.id.startswith(said.removeprefix("sha256:")):
        return ""
    fitting = (full for full in image.names if full.startswith(said) or f"/{said}" in full)
    return next(fitting, image.names[0] if image.names else "")


def load(engine: Engine, path: str, progress: Progress | None) -> list[str]:
    """See `Images.load`. Raises Corrupt when it is none of the formats."""
    if os.path.isdir(path):
        return _load_directory(engine, path, progress)
    with open(path, "rb") as file:
        compression = detect(file.read(8))
    if not compression:
        return _load_archive(engine, path, progress)
    with scratch(engine) as directory:
        plain = os.path.join(directory, "image.tar")
        with (
            open(path, "rb") as file,
            decompressed(file) as stream,
            failing(plain, "writing"),
            open(plain, "wb") as out,
        ):
            while piece := stream.read(1 << 20):
                out.write(piece)
        return _load_archive(engine, plain, progress)


def _load_directory(engine: Engine, path: str, progress: Progress | None) -> list[str]:
    if os.path.exists(os.path.join(path, "oci-layout")):
        return _load_from(engine, "oci", path, progress)
    return _load_from(engine, "dir", path, progress)


def _load_archive(engine: Engine, path: str, progress: Progress | None) -> list[str]:
    """docker-archive or oci-archive: whichever can be opened."""
    errors: list[str] = []
    for transport in ("docker-archive", "oci-archive"):
        try:
            return _load_from(engine, transport, path, progress)
        except SettingsError:  # of the trust policy, say
            raise
        except (Corrupt, InvalidArgument) as error:
            errors.append(f"{transport}: {error.message}")
        except RundletError as error:
            if error.exit_code != 125 or error.cri_status != "NOT_FOUND":
                raise
            errors.append(f"{transport}: {error.message}")
    raise Corrupt(
        f"{path}: payload does not match any of the supported image formats",
        remedy="\n".join(errors),
    )


def _load_from(engine: Engine, name: str, path: str, progress: Progress | None) -> list[str]:
    transport = engine.plugins.transport(name)
    settings = TransportSettings(temporary=Path(engine.blobs.temporary))
    loaded = []
    for suffix, names in _contents(engine, name, path, settings):
        location = transport.parse(path + suffix)
        options = guarded(engine, location, CopyOptions())
        with transport.source(location, settings) as source:
            image = copy_into_store(engine, source, names, options, progress or SILENT)
        event(engine, "loadfromarchive", image.id, path)
        loaded += list(names) or [f"sha256:{image.id}"]
    return loaded


def _contents(
    engine: Engine, name: str, path: str, settings: TransportSettings
) -> list[tuple[str, tuple[str, ...]]]:
    """(what to append to the path, names to give) of every image in an archive or layout."""
    if name == "dir":
        return [("", ())]
    transport = engine.plugins.transport(name)
    tags = list(transport.tags(transport.parse(path), settings))
    if not tags:
        return [("", ())]
    # "@N" is how a transport calls an image without a name.
    return [(f":{tag}", () if tag.startswith("@") else (str(stored_name(tag)),)) for tag in tags]
