"""A writable layer over a draft's layers, in which steps work."""

from __future__ import annotations

import os
from contextlib import contextmanager

from rundlet.core.archive.read import TarReader
from rundlet.core.archive.write import END, header, padding
from rundlet.core.content.produced import Produced
from rundlet.core.images.composing import NewLayer, keep_written

from .mapped import mapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rundlet.core import Engine
    from rundlet.core.containers.request import ContainerRequest
    from rundlet.core.streams import Readable, Writable

    from .options import Timestamp


class Workspace:
    """Mounted at `root` until `close`. A lease names its layer: after a kill it is collected."""

    def __init__(self, engine: Engine, top: str) -> None:
        self._engine = engine
        self._top = top
        self._layer = os.urandom(32).hex()
        engine.leases.hold("layer", (self._layer,))
        try:
            engine.layers.create(self._layer, top)
            self.root = engine.layers.mount(self._layer, top)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def mapped(self, request: ContainerRequest) -> Iterator[None]:
        """Shown to the user namespace that a request has, until the block ends."""
        with mapped(self._engine.layers, self._layer, self._top, request):
            yield

    def commit(self, engine: Engine, timestamp: Timestamp | None = None) -> NewLayer:
        """Keep what has changed as a layer. It may go on being changed.

        engine: of the calling thread, which may be another one than made it.
        """

        layers = engine.layers
        return keep_timed(
            engine, lambda out: layers.diff(self._layer, self._top, out), timestamp, self._top
        )

    def is_unchanged(self) -> bool:
        """Whether nothing was written."""
        return next(iter(self._engine.layers.changes(self._layer, self._top)), None) is None

    def close(self) -> None:
        """Unmount and delete."""
        self._engine.layers.unmount(self._layer)
        self._engine.layers.remove(self._layer)
        self._engine.leases.drop("layer", self._layer)


def keep_timed(
    engine: Engine,
    write: Callable[[Writable], object],
    timestamp: Timestamp | None,
    parent: str | None = None,
) -> NewLayer:
    """Keep a tar as a layer, its members with the times that are wanted.

    parent: as `keep_written` has it.
    """
    if timestamp is None:
        return keep_written(engine, write, parent)
    with Produced(write) as tar:
        return keep_written(
            engine,
            lambda out: retimed(tar, out, timestamp),
            parent,
        )


def retimed(tar: Readable, out: Writable, timestamp: Timestamp) -> None:
    """Copy an archive, giving its members the times of a `Timestamp`. Raises Corrupt."""
    reader = TarReader(tar)
    while (entry := reader.next()) is not None:
        out.write(
            header(
                entry.path,
                entry.kind,
                mode=entry.mode,
                uid=entry.uid,
                gid=entry.gid,
                size=entry.size,
                mtime=timestamp.of(entry.mtime),
                link=entry.link,
                major=entry.major,
                minor=entry.minor,
                xattrs=entry.xattrs,
            )
        )
        if entry.size and entry.kind == b"0":
            with entry.open() as content:
                while piece := content.read(1 << 18):
                    out.write(piece)
            out.write(padding(entry.size))
    out.write(END)
