"""`--output`: the files of what was built, as a directory or a tar, instead of an image."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rundlet.core.archive.create import write_tree
from rundlet.core.archive.whiteouts import PLAIN
from rundlet.core.content.produced import Produced
from rundlet.core.errors import InvalidArgument, StoreError

from . import filesystem

if TYPE_CHECKING:
    from collections.abc import Mapping


def parse(text: str) -> dict[str, str]:
    """`DIRECTORY`, `-` for a tar on stdout, or `type=local|tar,dest=PATH`."""
    if "=" not in text:
        return {"type": "tar" if text == "-" else "local", "dest": text}
    found = dict(word.partition("=")[::2] for word in text.split(","))
    kind, destination = found.get("type", ""), found.get("dest") or found.get("destination", "")
    if kind not in ("local", "tar") or not destination:
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
            with Produced(lambda out: write_tree(root, out, whiteouts=PLAIN)) as tar:
                filesystem.unpack(os.path.realpath(destination), tar)  # type: ignore[arg-type]
            return
        partial = f"{destination}.{os.urandom(4).hex()}"
        try:
            with open(partial, "xb") as file:
                write_tree(root, file, whiteouts=PLAIN)
            os.rename(partial, destination)
        finally:
            if os.path.exists(partial):
                os.unlink(partial)
    except OSError as error:
        raise StoreError(f"--output {destination}: {error.strerror}") from error
