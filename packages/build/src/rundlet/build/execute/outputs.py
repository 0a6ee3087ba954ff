"""`--output`: the files of what was built, as a directory or a tar, instead of an image."""

from __future__ import annotations

import json
import os
import sys

from rundlet.core.archive.create import write_tree
from rundlet.core.archive.whiteouts import PLAIN
from rundlet.core.errors import InvalidArgument, StoreError
from rundlet.core.transports.files import NewFile

from . import filesystem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rundlet.core import Engine
    from rundlet.core.state.images import Image


def parse(text: str) -> dict[str, str]:
    """`DIRECTORY`, `-` for a tar on stdout, or `type=local|tar,dest=PATH`."""
    if "=" not in text:
        return {"type": "tar" if text == "-" else "local", "dest": text}
    found = dict(word.partition("=")[::2] for word in text.split(","))
    kind, destination = found.get("type", ""), found.get("dest") or found.get("destination", "")
    unknown = set(found) - {"type", "dest", "destination"}
    if kind not in ("local", "tar") or not destination or unknown:
        raise InvalidArgument(
            f"invalid build output {text!r}",
            remedy="As in --output type=local,dest=DIRECTORY or --output type=tar,dest=FILE",
        )
    return {"type": kind, "dest": destination}


def write(output: Mapping[str, str], root: str) -> None:
    """Write the files below a root. Raises StoreError, NoSpace for what cannot be written."""
    destination = output["dest"]
    if destination == "-":
        write_tree(root, sys.stdout.buffer, whiteouts=PLAIN)
        sys.stdout.buffer.flush()
        return
    try:
        if output["type"] == "local":
            os.makedirs(destination, exist_ok=True)
            filesystem.copy_tree(root, os.path.realpath(destination))
            return
        new = NewFile(destination)
        try:
            with open(new.file.fileno(), "wb", closefd=False) as file:
                write_tree(root, file, whiteouts=PLAIN)
            new.publish(durable=False)
        finally:
            new.close()
    except OSError as error:
        raise StoreError(f"--output {destination}: {error.strerror}") from error


def write_id(option: str, path: str, text: str) -> None:
    """The file that an option names. Raises StoreError, naming both."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(f"{option} {path}: {error.strerror}") from error


def write_metadata(engine: Engine, path: str, image: Image) -> None:
    """`--metadata-file`: digests and names, by BuildKit's keys. Raises StoreError."""
    described = {
        "mediaType": image.manifest_type,
        "digest": image.manifest,
        "size": len(engine.blobs.read(image.manifest)),
    }
    document: dict[str, object] = {
        "containerimage.config.digest": f"sha256:{image.id}",
        "containerimage.digest": image.manifest,
        "containerimage.descriptor": described,
    }
    if image.names:
        document["image.name"] = ",".join(image.names)
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise StoreError(f"--metadata-file {path}: {error.strerror}") from error
