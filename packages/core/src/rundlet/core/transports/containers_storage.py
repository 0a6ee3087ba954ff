"""`containers-storage:[DRIVER@ROOT+RUNROOT]NAME|@ID`: Rundlet's own store, both ends.

The name is podman's for its own (containers-storage(5), "containers-transports(5)"); here it
means the store of this engine. Without `[...]` it is the one that the caller works on
(`TransportSettings.options["engine"]`), else the configured one.
"""

from __future__ import annotations

from ..contracts.transport import ImageTransport, Location
from ..errors import InvalidArgument, NoSuchImage
from ..hookspecs import hookimpl
from ..images import names
from ..images import reference as references
from ..images.store_destination import StoreDestination
from ..images.store_source import StoreSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.transport import ImageDestination, ImageSource, TransportSettings
    from ..engine import Engine


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """The transport of this module."""
    return ContainersStorageTransport() if name == ContainersStorageTransport.name else None


class _Source(StoreSource):
    """An image of a store, with the engine that was opened for it."""

    def __init__(self, location: Location, opened: _Opened) -> None:
        image = opened.engine.images.find(_split(location.path)[1].removeprefix("@"))
        if image is None:
            opened.close()
            raise NoSuchImage(str(location))
        super().__init__(opened.engine, image, location)
        self._opened = opened

    def close(self) -> None:
        self._opened.close()


class _Destination(StoreDestination):
    """An image being written to a store, with the engine that was opened for it."""

    def __init__(self, location: Location, opened: _Opened) -> None:
        name = references.parse(location.name)
        kept = (str(name.replace(digest="")),) if name.tag else ()
        super().__init__(opened.engine, kept)
        self.location = location
        self._wanted = name.digest
        self._repository = name.repository
        self._opened = opened

    def commit(self) -> None:
        from ..images.digests import check_manifest, digest_of

        assert self._written is not None
        check_manifest(self._written.data, self._wanted)
        self._origin = (self._repository, digest_of(self._written.data))
        super().commit()

    def close(self) -> None:
        super().close()
        self._opened.close()


class _Opened:
    """An engine: the caller's, or one made here, which `close` closes."""

    def __init__(self, location: Location, settings: TransportSettings) -> None:
        from ..engine import Engine

        store = _split(location.path)[0]
        given = settings.options.get("engine")
        self._own: Engine | None = None
        if given is not None and not store:
            self.engine: Engine = given
            return
        self._own = self.engine = Engine(given.settings if given is not None else None)
        self._own.settings = self._own.settings.replace(**_places(store))

    def close(self) -> None:
        """Close what was opened here."""
        if self._own is not None:
            self._own.close()


class ContainersStorageTransport(ImageTransport):
    """The images of this machine's own store."""

    name = "containers-storage"

    def parse(self, text: str) -> Location:
        store, wanted = _split(text)
        _places(store)
        if not wanted.startswith("@"):
            return Location(self.name, text, str(references.parse(wanted).tagged()))
        if len(wanted) < 3 or wanted[1:].strip("0123456789abcdef"):
            raise InvalidArgument(f"{self.name}:{text}: expected NAME, NAME@DIGEST or @ID")
        return Location(self.name, text)

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        return _Source(location, _Opened(location, settings))

    def destination(self, location: Location, settings: TransportSettings) -> ImageDestination:
        if not location.name:
            raise InvalidArgument(f"{location}: an id cannot be chosen; give a name")
        return _Destination(location, _Opened(location, settings))

    def delete(self, location: Location, settings: TransportSettings) -> None:
        """Take the name away, and the image with its last one. Raises NoSuchImage, InUse."""
        opened = _Opened(location, settings)
        wanted = _split(location.path)[1].removeprefix("@")
        try:
            if names.find(opened.engine.database, wanted) is None:
                raise NoSuchImage(str(location))
            opened.engine.images.remove(wanted)
        finally:
            opened.close()


def _split(text: str) -> tuple[str, str]:
    """The store within brackets ("" for none), and what follows. Raises InvalidArgument."""
    if not text.startswith("["):
        return "", text
    store, bracket, wanted = text[1:].partition("]")
    if not bracket or not store:
        raise InvalidArgument(
            f"containers-storage:{text}: expected [DRIVER@ROOT+RUNROOT]NAME, with what is in"
            " brackets left out or whole"
        )
    return store, wanted


def _places(store: str) -> dict[str, str]:
    """The settings that a store's text means: `[driver@]root[+runroot]`."""
    if not store:
        return {}
    driver, at, paths = store.rpartition("@")
    root, plus, run = paths.partition("+")
    if ":" in run or ":" in root:
        raise InvalidArgument(f"containers-storage:[{store}]: storage options are not supported")
    if not root.startswith("/") or (plus and not run.startswith("/")):
        raise InvalidArgument(f"containers-storage:[{store}]: paths must be absolute")
    found = {"graph_root": root, "image_store": ""}
    if at and driver:
        found["storage_driver"] = driver
    if run:
        found["run_root"] = run
    return found
