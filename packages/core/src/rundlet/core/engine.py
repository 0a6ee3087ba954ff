"""The Python API: one engine, on which every tool here is built.

    from rundlet.core import Engine

    with Engine() as engine:
        engine.images.pull("localhost:5000/busybox")
        ...

Synchronous, typed, values in and out. Each part is imported when first used, so a
program (or a hot command) pays only for what it touches. An engine belongs to one
thread; several threads make one each, several processes need no daemon.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from functools import cached_property as _part
    from types import TracebackType
    from typing import Self

    from .artifacts.api import Artifacts
    from .commands.context import Parsed
    from .containers.api import Containers
    from .content.store import BlobStore
    from .images.api import Images
    from .networks.api import Networks
    from .plugins.manager import Plugins
    from .secrets.api import Secrets
    from .settings.snapshot import Settings
    from .state.database import Database
    from .state.leases import Lease
    from .state.locks import Locks
    from .storage.image_store import ImageStore
    from .storage.layers import Layers
    from .volumes.api import Volumes
else:

    class _part:  # noqa: N801 (used as property is)
        """A property that is an attribute once it was asked for; importing functools takes time."""

        def __init__(self, make):
            self._make = make
            self.__doc__ = make.__doc__

        def __get__(self, engine, kind=None):
            if engine is None:
                return self
            # Of two threads that ask at once, both get what the first one made.
            return vars(engine).setdefault(self._make.__name__, self._make(engine))


class Engine:
    """Images, containers, networks and volumes below one graph root and run root.

    settings: a snapshot; None reads the machine's configuration.
    root, runroot: override where things are (`--root`, `--runroot`).
    """

    def __init__(
        self, settings: Settings | None = None, *, root: str = "", runroot: str = ""
    ) -> None:
        if settings is None:
            from .settings.load import load

            settings = load()
        if root:  # what is configured is the image store of the configured one
            settings = settings.replace(graph_root=root, image_store="")
        if runroot:
            settings = settings.replace(run_root=runroot)
        self.settings = _absolute(settings)
        self._image_store: ImageStore | None = None

    @classmethod
    def from_options(cls, options: Parsed) -> Engine:
        """The engine that a program's global options ask for (--root, --runtime, ...).

        Raises as `from_options`, and PluginError for a storage driver that is not installed.
        """
        from .settings.load import from_options

        engine = cls(from_options(options))
        if engine.settings.storage_driver:
            from .plugins.choose import check_storage

            check_storage(engine.plugins, options)
        return engine

    @_part
    def database(self) -> Database:
        """The state. Made if it is not there."""
        from .state.database import Database

        return Database(self.settings.graph_root)

    @_part
    def locks(self) -> Locks:
        from .state.locks import Locks

        return Locks(f"{self.settings.run_root}/locks", self.settings.lock_timeout)

    @property
    def image_store(self) -> ImageStore | None:
        """Where files of images are put, if not in the graph root. Raises as `joined` does."""
        path = f"{self.settings.graph_root}/imagestore.link"
        if not self.settings.image_store and not os.path.lexists(path):
            return None
        from .storage.image_store import joined

        self._image_store = joined(self, self._image_store)
        return self._image_store

    @property
    def image_locks(self) -> Locks:
        """Of layers and blobs of images, which graph roots may have in common."""
        store = self.image_store
        return self.locks if store is None else store.locks

    @_part
    def leases(self) -> Lease:
        """What this engine is working on, for others to leave alone."""
        from .state.leases import Lease

        return Lease(self.database)

    @_part
    def plugins(self) -> Plugins:
        """Drivers by kind and name, and the hooks."""
        from .plugins.manager import Plugins

        return Plugins(self.settings)

    @_part
    def blobs(self) -> BlobStore:
        from .content.store import BlobStore

        return BlobStore(self)

    @_part
    def layers(self) -> Layers:
        """Layers: rows and the storage driver under them."""
        from .storage.layers import Layers

        return Layers(self)

    @_part
    def images(self) -> Images:
        """Images, those of additional stores too. Raises StoreError when one cannot be used."""
        from .images.api import Images

        self._refresh_stores()
        return Images(self)

    def _refresh_stores(self) -> None:
        named = self.settings.additional_image_stores
        if named or self.database.row("SELECT 1 FROM stores LIMIT 1"):
            from .storage.additional import refresh

            refresh(self)

    @_part
    def containers(self) -> Containers:
        from .containers.api import Containers

        return Containers(self)

    @_part
    def networks(self) -> Networks:
        from .networks.api import Networks

        return Networks(self)

    @_part
    def volumes(self) -> Volumes:
        from .volumes.api import Volumes

        return Volumes(self)

    @_part
    def artifacts(self) -> Artifacts:
        """Files of any kind under names, beside images."""
        from .artifacts.api import Artifacts

        return Artifacts(self)

    @_part
    def secrets(self) -> Secrets:
        from .secrets.api import Secrets

        return Secrets(self)

    def close(self, *, ending: bool = False) -> None:
        """Close files. The engine can not be used after.

        ending: so does the process. After work on containers, which are seldom alone, it leaves
        the state's log to the next command (Database.leave); a store of images is left whole.
        """
        made = vars(self)
        leaving = ending and "containers" in made
        leases = made.pop("leases", None)
        if leases is not None:
            leases.release()
        database = made.pop("database", None)
        if database is not None:
            database.leave() if leaving else database.close()
        for name, kind in vars(Engine).items():
            if isinstance(kind, _part):
                made.pop(name, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _absolute(settings: Settings) -> Settings:
    """Settings whose directories are what they are now, wherever a monitor works."""
    relative = {
        name: f"{os.getcwd()}/{path}"
        for name in ("graph_root", "run_root", "temporary", "volume_path", "image_store")
        if (path := getattr(settings, name)) and not path.startswith("/")
    }
    return settings.replace(**relative) if relative else settings
