"""The local store as the destination of a copy: pull, load and import end here.

While a layer downloads, one thread hashes it and writes its blob, another one inflates and
unpacks it: all layers at once, where the storage driver's layers do not need their parents.
Rows come last, in one transaction. A layer that arrives uncompressed is kept as gzip, so
that its exact bytes can be given back in less space.
"""

from __future__ import annotations

import hashlib
import time

from ..content.annotations import table_of_contents
from ..content.compress import decompressed
from ..contracts.storage import LayerUsage
from ..contracts.transport import ImageDestination, Location, ManifestBytes
from ..errors import Busy, Corrupt, InvalidArgument
from ..state import images as rows
from ..state import layers as layer_rows
from ..state import leases
from ..state.images import Image
from ..storage.layers import chain_id
from ..trust import kept
from . import config as configs
from . import manifest as manifests
from .descriptor import digest_parts
from .feed import Feed
from .marks import check_readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.transport import ImageSource
    from ..engine import Engine
    from ..streams import ReadableFile
    from .descriptor import Descriptor


class StoreDestination(ImageDestination):
    """An image being written to the local store.

    names: full names to give it. origin: (repository, digest) it was pulled by, or None.
    After `commit`, `image` is its id.
    """

    accepts = manifests.MANIFESTS

    def __init__(
        self, engine: Engine, names: tuple[str, ...] = (), origin: tuple[str, str] | None = None
    ) -> None:
        self._engine = engine
        self.location = Location("containers-storage", names[0] if names else "")
        self._names = names
        self._origin = origin
        self._manifest: manifests.Manifest | None = None
        self._config: configs.ImageConfig | None = None
        self._written: ManifestBytes | None = None
        self._chain: list[str] = []
        self._position: dict[str, int] = {}  # of a blob; the lowest, where it is there twice
        self._usage: dict[str, LayerUsage] = {}
        self._blobs: dict[str, str] = {}  # of the layers that came now
        self._signed: tuple[bytes, ...] = ()
        self._lease = leases.Lease(engine.database)
        self._driver = engine.layers.driver  # here: choosing it belongs to this thread
        self.image = ""

    def expect(self, manifest: manifests.Manifest, config: bytes) -> None:
        """Take the layers' order. Raises Corrupt when config and manifest do not fit."""
        if manifest.config.media_type not in (manifests.OCI_CONFIG, manifests.DOCKER_CONFIG):
            raise InvalidArgument(
                f"not a container image: its config is of type {manifest.config.media_type!r}"
            )
        check_readable(manifest)
        parsed = configs.parse(config)
        if len(parsed.diff_ids) != len(manifest.layers):
            raise Corrupt(
                f"the image has {len(manifest.layers)} layers, its config"
                f" {len(parsed.diff_ids)} diff_ids"
            )
        self._manifest, self._config = manifest, parsed
        for number, (layer, diff_id) in enumerate(
            zip(manifest.layers, parsed.diff_ids, strict=True)
        ):
            self._chain.append(chain_id(self._chain[-1] if self._chain else "", diff_id))
            if layer.digest:  # else it is known, and unpacked, when all are there
                self._position.setdefault(layer.digest, number)
        self._lease.hold("layer", self._chain)
        known = {item.digest for item in (manifest.config, *manifest.layers)}
        self._lease.hold("blob", known - {""})

    def known(self, descriptor: Descriptor) -> bytes | None:
        if not self._engine.blobs.has(descriptor.digest):
            return None
        data = self._engine.blobs.read(descriptor.digest)
        algorithm, encoded = digest_parts(descriptor.digest)
        return data if hashlib.new(algorithm, data).hexdigest() == encoded else None

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether nothing has to be fetched: its blob is there, or the layer is unpacked, and its
        content can be given out in another compression (see `StoreSource`).
        """
        if self._engine.blobs.has(descriptor.digest):
            return True
        position = self._position.get(descriptor.digest)
        if position is None or not self._driver.exists(self._chain[position]):
            return False
        row = self._engine.layers.get(self._chain[position])
        if row is None:
            return False
        if row.blob and self._engine.blobs.has(row.blob):
            return True
        return self._driver.archive_size(row.id) is not None

    def assembled(self, descriptor: Descriptor, source: ImageSource) -> ReadableFile | None:
        """From the files in other layers, where it says where its own are."""
        if not any(table_of_contents(descriptor.annotations)):
            return None
        from ..content.assembly import assembled

        here = layer_rows.blobs(self._engine.database)
        return assembled(
            descriptor,
            lambda offset, size: source.part(descriptor, offset, size),
            [self._engine.blobs.path(digest) for digest in here],
        )

    def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
        position = self._position.get(descriptor.digest)
        if position is None:
            return self._engine.blobs.put(stream, descriptor)
        with Feed(self._engine.blobs, descriptor, stream) as feed:
            if self._driver.independent_layers:
                self._unpack(position, feed)
            stored = feed.finish()
            self._blobs[self._chain[position]] = stored.digest
            return self._in_manifest(stored, descriptor)

    def _in_manifest(self, stored: Descriptor, given: Descriptor) -> Descriptor:
        """The descriptor of a stored layer, with the media type it has in this manifest."""
        assert self._manifest is not None
        if stored.digest == given.digest:
            return given
        kind = manifests.layer_type(self._manifest.media_type, "gzip", given.media_type)
        self._lease.hold("blob", (stored.digest,))
        return stored.replace(media_type=kind)

    def _unpack(self, position: int, blob: ReadableFile) -> None:
        assert self._config is not None
        layer = self._chain[position]
        parents = tuple(reversed(self._chain[:position]))
        with decompressed(blob) as plain:
            self._usage[layer] = self._engine.layers.apply(
                layer, parents, self._config.diff_ids[position], plain
            )

    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        if self._written is not None or digest:
            raise InvalidArgument("the local store holds one image, not an index")
        if self._manifest is None:  # nobody said what to expect: it is known by now
            parsed = manifests.parse(manifest.data, manifest.media_type)
            if not isinstance(parsed, manifests.Manifest):
                raise InvalidArgument("the local store holds one image, not an index")
            self.expect(parsed, self._engine.blobs.read(parsed.config.digest))
        self._written = manifest

    def put_signatures(self, signatures: Sequence[bytes], digest: str = "") -> None:
        self._signed = tuple(signatures)

    def commit(self) -> None:
        """Unpack what was not yet, then write all rows at once."""
        if self._written is None or self._config is None:
            raise InvalidArgument(f"{self.location}: committed without a manifest")
        final = manifests.parse(self._written.data, self._written.media_type)
        assert isinstance(final, manifests.Manifest)
        for position, layer in enumerate(self._chain):
            if layer in self._usage or self._driver.exists(layer):
                continue
            if self._engine.layers.take(layer):
                self._usage[layer] = self._engine.layers.usage(layer)
                continue
            with self._engine.blobs.open(final.layers[position].digest) as blob:
                self._unpack(position, blob)
        stored = self._engine.blobs.put_bytes(self._written.data, self._written.media_type)
        image = self._row(final, stored.digest)
        wanted = {stored.digest, final.config.digest, *(item.digest for item in final.layers)}
        signed = kept.stored(self._engine, stored.digest, self._signed)
        database = self._engine.database
        with database.transaction():
            # A layer that was unpacked already may lack the blob that this manifest names.
            there = rows.known_blobs(database, wanted)
            self._record_layers(final, there)
            rows.insert(database, image, there | set(signed))
            for name in self._names:
                rows.set_name(database, name, image.id)
            if self._origin:
                rows.add_digest(database, image.id, *self._origin)
        self._usage.clear()
        self.image = image.id

    def _record_layers(self, manifest: manifests.Manifest, there: set[str]) -> None:
        assert self._config is not None
        parent = ""
        for layer, diff_id, item in zip(
            self._chain, self._config.diff_ids, manifest.layers, strict=True
        ):
            blob = item.digest if item.digest in there else ""
            self._engine.layers.record(layer, parent, diff_id, blob, self._used(layer))
            if blob:
                layer_rows.set_blob(self._engine.database, layer, blob)
            parent = layer

    def _used(self, layer: str) -> LayerUsage:
        found = self._usage.get(layer)
        if found is None:
            row = self._engine.layers.get(layer)
            if row is not None:
                return LayerUsage(row.size, row.inodes)
            found = self._usage[layer] = self._engine.layers.usage(layer)
        return found

    def _row(self, manifest: manifests.Manifest, stored: str) -> Image:
        assert self._config is not None
        return Image(
            id=manifest.config.digest.partition(":")[2],
            manifest=stored,
            manifest_type=manifest.media_type,
            top_layer=self._chain[-1] if self._chain else "",
            created=self._config.created,
            added=time.time_ns(),
            size=sum(self._used(layer).size for layer in self._chain),
            os=self._config.os,
            architecture=self._config.architecture,
            variant=self._config.variant,
            labels=self._config.labels,
        )

    def close(self) -> None:
        """Let go of everything. What was unpacked for nothing is removed, or kept to go on from."""
        abandoned = () if self.image else tuple(self._usage)
        self._lease.release()
        if abandoned:
            self._abandon(abandoned)
        if self.image:
            self._engine.layers.collect_partial()

    def _abandon(self, layers: tuple[str, ...]) -> None:
        """Record the complete layers whose parents are too: a later pull goes on from them,
        and `collect` knows them. The others have no place in the state: they are removed.
        """
        assert self._config is not None
        parent = ""
        complete = True
        for layer, diff_id in zip(self._chain, self._config.diff_ids, strict=True):
            complete = complete and (layer in layers or self._engine.layers.get(layer) is not None)
            if layer in layers:
                if complete:
                    blob = self._blobs.get(layer, "")
                    self._engine.layers.record(layer, parent, diff_id, blob, self._used(layer))
                else:
                    self._discard(layer)
                self._engine.leases.drop("layer", layer)
            parent = layer

    def _discard(self, layer: str) -> None:
        """Remove a layer without a row, unless another process wants it too."""
        engine = self._engine
        engine.leases.drop("layer", layer)
        try:
            with engine.image_locks.hold("layer", layer, 0):
                wanted = layer in leases.held(engine.database, "layer")
                if not wanted and engine.layers.get(layer) is None:
                    engine.layers.homes.erase(layer)
        except Busy:
            pass  # it is being made again right now
