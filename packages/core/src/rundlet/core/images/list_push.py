"""A manifest list as the source of a copy: to a registry, a layout, a directory."""

from __future__ import annotations

from ..contracts.transport import ImageSource, Location, ManifestBytes
from ..errors import NotFound
from . import manifest as manifests
from .copy import CopyOptions, copy
from .names import split_transport
from .push import configured
from .store_source import StoreSource
from .telling import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.transport import TransportSettings
    from ..engine import Engine
    from ..streams import ReadableFile
    from .descriptor import Descriptor
    from .lists import ManifestList
    from .progress import Progress


def push(
    engine: Engine,
    known: ManifestList,
    destination: str,
    settings: TransportSettings,
    options: CopyOptions,
    progress: Progress | None = None,
) -> str:
    """Copy a list, with all its images or alone; the digest it has there.

    destination: TRANSPORT:PLACE or a name in a registry, "" for the list's own. options:
    `all_instances` or `index_only`, and wishes, keys, who signs. Raises NotFound for an image that
    was removed meanwhile, InvalidArgument for a compression that is none, and what the destination
    raises.
    """
    from .progress import SILENT

    text = destination or known.name
    split = split_transport(engine, text)
    kind, rest = split if split is not None else ("docker", f"//{text}")
    transport = engine.plugins.transport(kind)
    options = options.replace(
        wishes=configured(engine, options.wishes, kind),
        parallel=engine.settings.image_parallel_copies,
    )
    with (
        ListSource(engine, known) as source,
        transport.destination(transport.parse(rest), told(engine, settings)) as target,
    ):
        return copy(source, target, options, progress or SILENT).digest


class ListSource(ImageSource):
    """A list and its images, read from the store."""

    def __init__(self, engine: Engine, known: ManifestList) -> None:
        self._known = known
        self.location = Location("containers-storage", known.name, known.name)
        self._sources: dict[str, StoreSource] = {}
        for entry in known.entries:
            image = engine.images.find(entry.image)
            if image is None or image.manifest != entry.digest:
                raise NotFound(
                    f"image {entry.image[:12]} of the manifest list {known.name} is gone",
                    remedy="Build it again, or take it from the list: rundlet-build manifest"
                    f" remove {known.name} {entry.digest}",
                )
            self._sources[entry.digest] = StoreSource(engine, image)

    def manifest(self, digest: str = "") -> ManifestBytes:
        if not digest:
            return ManifestBytes(self._known.data(), manifests.OCI_INDEX)
        if digest not in self._sources:
            raise NotFound(f"manifest {digest} is not in the manifest list {self._known.name}")
        return self._sources[digest].manifest()

    def signatures(self, digest: str = "") -> Sequence[bytes]:
        return self._sources[digest].signatures() if digest in self._sources else ()

    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        for source in self._sources.values():
            try:
                return source.blob(descriptor, offset)
            except NotFound:
                continue
        raise NotFound(f"blob {descriptor.digest} is not in {self._known.name}")
