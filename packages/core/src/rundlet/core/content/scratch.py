"""Directories for large things on their way, below the graph root; a kill leaves none for long."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager

from ..archive.remove import remove_tree
from ..errors import NoSpace, StoreError
from ..state.leases import Lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine


@contextmanager
def scratch(engine: Engine) -> Iterator[str]:
    """A new directory that is gone after the block.

    Its lease names it: nobody else removes it, and after a kill `engine.layers.collect` does.
    Raises NoSpace, StoreError.
    """
    name = f"work-{os.urandom(8).hex()}"
    lease = Lease(engine.database)  # its own: those of the engine end with each pull
    lease.hold("file", (name,))
    path = os.path.join(engine.blobs.temporary, name)
    try:
        os.makedirs(path, mode=0o700)
    except OSError as error:
        lease.release()
        kind = NoSpace if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreError
        raise kind(f"cannot make {path}: {error.strerror}") from error
    try:
        yield path
    finally:
        parent = os.open(engine.blobs.temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            remove_tree(os.fsencode(name), parent)
        finally:
            os.close(parent)
        lease.release()
