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
    from .storage.layers import Layers
    from .volumes.api import Volumes


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
        if root:
            settings = settings.replace(graph_root=root)
        if runroot:
            settings = settings.replace(run_root=runroot)
        self.settings = _absolute(settings)
        self._parts: dict[str, object] = {}

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

    @property
    def database(self) -> Database:
        """The state. Made if it is not there."""
        if "database" not in self._parts:
            from .state.database import Database

            self._parts["database"] = Database(self.settings.graph_root)
        return self._parts["database"]  # type: ignore[return-value]

    @property
    def locks(self) -> Locks:
        if "locks" not in self._parts:
            from .state.locks import Locks

            self._parts["locks"] = Locks(
                f"{self.settings.run_root}/locks", self.settings.lock_timeout
            )
        return self._parts["locks"]  # type: ignore[return-value]

    @property
    def leases(self) -> Lease:
        """What this engine is working on, for others to leave alone."""
        if "leases" not in self._parts:
            from .state.leases import Lease

            self._parts["leases"] = Lease(self.database)
        return self._parts["leases"]  # type: ignore[return-value]

    @property
    def plugins(self) -> Plugins:
        """Drivers by kind and name, and the hooks."""
        if "plugins" not in self._parts:
            from .plugins.manager import Plugins

            self._parts["plugins"] = Plugins(self.settings)
        return self._parts["plugins"]  # type: ignore[return-value]

    @property
    def blobs(self) -> BlobStore:
        if "blobs" not in self._parts:
            from .content.store import BlobStore

            self._parts["blobs"] = BlobStore(self)
        return self._parts["blobs"]  # type: ignore[return-value]

    @property
    def layers(self) -> Layers:
        """Layers: rows and the storage driver under them."""
        if "layers" not in self._parts:
            from .storage.layers import Layers

            self._parts["layers"] = Layers(self)
        return self._parts["layers"]  # type: ignore[return-value]

    @property
    def images(self) -> Images:
        """Images, those of additional stores too. Raises StoreError when one cannot be used."""
        if "images" not in self._parts:
            from .images.api import Images

            self._refresh_stores()
            self._parts["images"] = Images(self)
        return self._parts["images"]  # type: ignore[return-value]

    def _refresh_stores(self) -> None:
        named = self.settings.additional_image_stores
        if named or self.database.row("SELECT 1 FROM stores LIMIT 1"):
            from .storage.additional import refresh

            refresh(self)

    @property
    def containers(self) -> Containers:
        if "containers" not in self._parts:
            from .containers.api import Containers

            self._parts["containers"] = Containers(self)
        return self._parts["containers"]  # type: ignore[return-value]

    @property
    def networks(self) -> Networks:
        if "networks" not in self._parts:
            from .networks.api import Networks

            self._parts["networks"] = Networks(self)
        return self._parts["networks"]  # type: ignore[return-value]

    @property
    def volumes(self) -> Volumes:
        if "volumes" not in self._parts:
            from .volumes.api import Volumes

            self._parts["volumes"] = Volumes(self)
        return self._parts["volumes"]  # type: ignore[return-value]

    @property
    def artifacts(self) -> Artifacts:
        """Files of any kind under names, beside images."""
        if "artifacts" not in self._parts:
            from .artifacts.api import Artifacts

            self._parts["artifacts"] = Artifacts(self)
        return self._parts["artifacts"]  # type: ignore[return-value]

    @property
    def secrets(self) -> Secrets:
        if "secrets" not in self._parts:
            from .secrets.api import Secrets

            self._parts["secrets"] = Secrets(self)
        return self._parts["secrets"]  # type: ignore[return-value]

    def close(self) -> None:
        """Close files. The engine can not be used after."""
        leases = self._parts.pop("leases", None)
        if leases is not None:
            leases.release()  # type: ignore[attr-defined]
        database = self._parts.pop("database", None)
        if database is not None:
            database.close()  # type: ignore[attr-defined]
        self._parts.clear()

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
        for name in ("graph_root", "run_root", "temporary", "volume_path")
        if (path := getattr(settings, name)) and not path.startswith("/")
    }
    return settings.replace(**relative) if relative else settings
