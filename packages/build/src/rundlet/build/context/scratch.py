"""Directories for things on their way, below the graph root; a kill leaves none for long."""

from __future__ import annotations

import os
from contextlib import contextmanager

from rundlet.core.archive.remove import remove_tree
from rundlet.core.errors import NoSpace, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core import Engine


@contextmanager
def scratch(engine: Engine) -> Iterator[str]:
    """A new directory that is gone after the block.

    Its lease names it: after a kill `engine.layers.collect` removes it. Raises NoSpace,
    StoreError.
    """
    name = f"build-{os.urandom(8).hex()}"
    engine.leases.hold("file", (name,))
    path = os.path.join(engine.blobs.temporary, name)
    try:
        os.makedirs(path, mode=0o700)
    except OSError as error:
        kind = NoSpace if error.errno == 28 else StoreError
        raise kind(f"cannot make {path}: {error.strerror}") from error
    try:
        yield path
    finally:
        parent = os.open(engine.blobs.temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            remove_tree(os.fsencode(name), parent)
        finally:
            os.close(parent)
        engine.leases.drop("file", name)
