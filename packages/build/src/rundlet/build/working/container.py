"""A working container: a row of the state with a writable layer, which outlives its command."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager

from rundlet.core.errors import NoSuchContainer
from rundlet.core.format.times import rfc3339
from rundlet.core.state import containers as rows

from . import record as records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core import Engine
    from rundlet.core.containers.request import ContainerRequest
    from rundlet.core.state.containers import Container
    from rundlet.core.state.images import Image

    from .commit import CommitOrder
    from .copying import CopyOrder
    from .record import Record
    from .running import RunOrder

_PATIENCE = 3600.0
"""Seconds to wait for another command in a container with a user namespace."""


class WorkingContainer:
    """One working container. `config` is read when first asked for; `save` keeps its changes."""

    def __init__(self, engine: Engine, row: Container) -> None:
        self._engine = engine
        self.row = row
        self._config: Record | None = None

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def parent(self) -> str:
        """The chain ID of the image's top layer, "" for scratch."""
        return str(json.loads(self.row.extra).get("parent", ""))

    @property
    def template(self) -> ContainerRequest:
        """What `from` said of the containers that `run` makes."""
        from rundlet.core.containers.stored import request_of

        return self.config.with_maps(request_of(self.row.request))

    @property
    def config(self) -> Record:
        """What the image is to say; change it, then `save`."""
        if self._config is None:
            self._config = records.load(self.row)
        return self._config

    def save(self) -> None:
        """Keep the changes of `config`. Raises NoSuchContainer when it is gone meanwhile."""
        extra = records.stored(self.row.extra, self.config)
        if not rows.update(self._engine.database, self.id, extra=extra):
            raise NoSuchContainer(self.name)
        self.row = self.row.replace(extra=extra)

    def note(self, text: str, *, comment: str = "") -> None:
        """Remember a step for the history of the image (--add-history)."""
        entry = {"created": rfc3339(time.time_ns()), "created_by": text, "empty_layer": True}
        if comment:
            entry["comment"] = comment
        self.config.added_history.append(entry)
        self.save()

    def mount(self) -> str:
        """Mount the root file system until `unmount`; where."""
        from rundlet.core.containers import mounting  # here and below: `config` mounts nothing

        return mounting.mount(self._engine, self.row)

    def unmount(self) -> None:
        """Undo `mount`; nothing happens when it is not mounted."""
        from rundlet.core.containers import mounting

        mounting.unmount(self._engine, self.row)

    @property
    def mountpoint(self) -> str:
        """Where `mount` has mounted it, "" for nowhere."""
        from rundlet.core.containers import mounting

        return self.mount() if mounting.is_mounted(self._engine, self.row) else ""

    @contextmanager
    def root(self) -> Iterator[str]:
        """The root directory, mounted at least until the context ends."""
        from rundlet.core.containers import mounting

        with mounting.mounted(self._engine, self.row) as path:
            yield path

    @contextmanager
    def mapped(self, request: ContainerRequest) -> Iterator[None]:
        """The mounted root as a request's user namespace is to see it, for one at a time."""
        if not request.uid_map:
            yield
            return
        from rundlet.build.execute.mapped import mapped

        with (
            self._engine.locks.hold("build-run", self.id, timeout=_PATIENCE),
            mapped(self._engine.layers, self.row.layer, self.parent, request),
        ):
            yield

    def run(self, order: RunOrder) -> int:
        """Run a command in it; the exit code (working/running.py)."""
        from .running import run

        return run(self, order)

    def copy(self, order: CopyOrder) -> str:
        """Copy files into it; a digest of them (working/copying.py)."""
        from .copying import copy

        return copy(self, order)

    def commit(self, order: CommitOrder) -> Image:
        """Make an image of it (working/commit.py)."""
        from .commit import commit

        return commit(self, order)

    def rename(self, name: str) -> None:
        """Give it another name. Raises InvalidArgument, AlreadyExists."""
        from rundlet.core.containers import rename

        self.row = rename.rename(self._engine, self.row, name)

    def remove(self) -> None:
        """Remove it, mounted or not."""
        self._engine.containers.remove(self.id, force=True, timeout=0)
