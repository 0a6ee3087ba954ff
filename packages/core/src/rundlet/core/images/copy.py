"""The one copy engine: from any image source to any destination.

Used by pull, push, save, load and skopeo's copy. Every byte passes a digest check; layers
go in parallel; the config goes first, the top manifest last, then `commit` makes it visible.
"""

from __future__ import annotations

import hashlib
import io
import os
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event
from typing import TYPE_CHECKING, Any

from ..content.compress import compressed, decompressed
from ..content.verify import Verified
from ..contracts.transport import ManifestBytes, Platform
from ..errors import Corrupt, DigestMismatch, NotSupported, RundletError
from ..value import Value
from . import config as configs
from . import manifest as manifests
from .descriptor import Descriptor
from .manifest import Index, Manifest
from .progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from ..contracts.transport import ImageDestination, ImageSource
    from .progress import Progress

_MOST_NESTING = 4


class CopyOptions(Value):
    """How to copy.

    platform: which instance of an index. all_instances: all of them, and the index.
    format: "oci" | "v2s2" | "" (keep where the destination can hold it).
    compression: "gzip" | "zstd" | "" (keep). parallel: layers at once, 0 by the cores.
    """

    platform: Platform = Platform()
    all_instances: bool = False
    format: str = ""
    compression: str = ""
    parallel: int = 0


class Copied(Value):
    """What arrived: the top manifest and its digest, and the digest of its config."""

    manifest: ManifestBytes
    digest: str
    config: str = ""


def copy(
    source: ImageSource,
    destination: ImageDestination,
    options: CopyOptions = CopyOptions(),  # noqa: B008 (frozen)
    progress: Progress = SILENT,
) -> Copied:
    """Copy one image. The caller closes both ends.

    Raises Corrupt and DigestMismatch for what is not what it should be, NotFound for a
    platform that is not there, and what the two ends raise. Nothing is visible then.
    """
    return _Copy(source, destination, options, progress).run()


class _Copy:
    def __init__(
        self,
        source: ImageSource,
        destination: ImageDestination,
        options: CopyOptions,
        progress: Progress,
    ) -> None:
        self._source = source
        self._destination = destination
        self._options = options
        self._progress = progress
        self._stop = Event()

    def run(self) -> Copied:
        top = self._source.manifest()
        document = manifests.parse(top.data, top.media_type)
        if isinstance(document, Index) and self._options.all_instances:
            copied = self._index(top, document)
        else:
            one, data = self._instance(document, top)
            copied = self._image(one, data, "")
        self._progress.message("Writing manifest to image destination")
        self._destination.put_manifest(copied.manifest)
        self._destination.commit()
        return copied

    # --- manifests

    def _instance(
        self, document: Manifest | Index, data: ManifestBytes
    ) -> tuple[Manifest, ManifestBytes]:
        """The image for the wanted platform, through nested indexes."""
        for _ in range(_MOST_NESTING):
            if isinstance(document, Manifest):
                return document, data
            wanted = manifests.choose(document, self._options.platform)
            data = self._verified_manifest(wanted)
            document = manifests.parse(data.data, data.media_type)
        raise Corrupt("indexes are nested too deeply")

    def _verified_manifest(self, wanted: Descriptor) -> ManifestBytes:
        data = self._source.manifest(wanted.digest)
        check_digest("manifest", data.data, wanted.digest)
        if 0 <= wanted.size != len(data.data):
            raise Corrupt(f"manifest {wanted.digest}: {len(data.data)} bytes, not {wanted.size}")
        return ManifestBytes(data.data, data.media_type or wanted.media_type)

    def _index(self, top: ManifestBytes, index: Index) -> Copied:
        """All instances as they are, then the index as it is."""
        if self._destination.accepts and index.media_type not in self._destination.accepts:
            raise NotSupported(
                f"{self._destination.location.transport}: cannot hold an image of several platforms"
            )
        for item in index.manifests:
            data = self._verified_manifest(item)
            document = manifests.parse(data.data, data.media_type)
            if isinstance(document, Index):
                raise NotSupported("an index inside an index cannot be copied whole yet")
            copied = self._image(document, data, item.digest)
            if copied.digest != item.digest:
                raise NotSupported(
                    "an index can only be copied without changing format or compression"
                )
            self._destination.put_manifest(copied.manifest, item.digest)
        return Copied(top, digest_of(top.data))

    def _image(self, manifest: Manifest, data: ManifestBytes, digest: str) -> Copied:
        """Copy config and layers of one image; returns the manifest as it must be written."""
        plan = self._plan(manifest)
        config = self._config(manifest.config)
        self._destination.expect(plan, config)
        layers = self._layers(manifest.layers, plan.layers)
        self._progress.start("config", manifest.config)
        put = self._destination.put_blob(
            manifest.config.replace(media_type=plan.config.media_type), io.BytesIO(config)
        )
        self._progress.done("config", manifest.config)
        if plan.media_type == manifest.media_type and layers == manifest.layers:
            result = data.replace(media_type=manifest.media_type)
        else:
            annotations = (
                {"annotations": dict(manifest.annotations)}
                if (manifest.annotations and plan.media_type == manifests.OCI_MANIFEST)
                else {}
            )
            composed = manifests.compose(plan.media_type, put, layers, **annotations)
            result = ManifestBytes(composed, plan.media_type)
        return Copied(result, digest or digest_of(result.data), put.digest)

    # --- what the destination wants

    def _plan(self, manifest: Manifest) -> Manifest:
        """The manifest with the media types that the destination will get."""
        accepts = self._destination.accepts
        wanted = {"oci": manifests.OCI_MANIFEST, "v2s2": manifests.DOCKER_MANIFEST}.get(
            self._options.format, manifest.media_type
        )
        if accepts and wanted not in accepts:
            if self._options.format:
                raise NotSupported(
                    f"{self._destination.location.transport}: cannot hold format"
                    f" {self._options.format}"
                )
            wanted = next(kind for kind in accepts if kind in manifests.MANIFESTS)
        layers = tuple(self._target_layer(layer, wanted) for layer in manifest.layers)
        config_type = manifest.config.media_type
        if wanted != manifest.media_type:
            config_type = (
                manifests.OCI_CONFIG
                if wanted == manifests.OCI_MANIFEST
                else manifests.DOCKER_CONFIG
            )
        return manifest.replace(
            media_type=wanted,
            config=manifest.config.replace(media_type=config_type),
            layers=layers,
        )

    def _target_layer(self, layer: Descriptor, manifest_type: str) -> Descriptor:
        """A layer's descriptor at the destination; digest "" where its bytes will change."""
        compression = manifests.compression(layer.media_type)
        wanted = self._wanted_compression(compression)
        media_type = manifests.layer_type(manifest_type, wanted, layer.media_type)
        if wanted != compression:
            return layer.replace(digest="", size=-1, media_type=media_type)
        return layer.replace(media_type=media_type)

    def _wanted_compression(self, compression: str) -> str:
        if self._destination.compress == "uncompressed":
            return ""
        if self._options.compression:
            return self._options.compression
        if self._destination.compress and not compression:
            return self._destination.compress
        return compression

    # --- blobs

    def _config(self, wanted: Descriptor) -> bytes:
        if wanted.size > manifests.LARGEST:
            raise Corrupt(f"config {wanted.digest} of {wanted.size} bytes is too large")
        with self._source.blob(wanted) as raw:
            data = Verified(raw, wanted, "config").read()
        if wanted.media_type in (manifests.OCI_CONFIG, manifests.DOCKER_CONFIG):
            configs.parse(data)
        return data

    def _layers(
        self, origins: Sequence[Descriptor], targets: Sequence[Descriptor]
    ) -> tuple[Descriptor, ...]:
        """Copy all layers at once; a layer that is there twice goes once."""
        pairs = {
            origin.digest: (origin, target) for origin, target in zip(origins, targets, strict=True)
        }
        workers = self._options.parallel or min(6, 2 + (os.cpu_count() or 1))
        with ThreadPoolExecutor(workers, thread_name_prefix="layer") as pool:
            futures = {
                pool.submit(self._layer, origin, target): origin.digest
                for origin, target in pairs.values()
            }
            finished, pending = wait(futures, return_when=FIRST_EXCEPTION)
            failed = next((f for f in finished if f.exception()), None)
            if failed is not None:
                self._stop.set()
                for future in pending:
                    future.cancel()
                failed.result()
            results = {futures[future]: future.result() for future in finished}
        return tuple(results[origin.digest] for origin in origins)

    def _layer(self, origin: Descriptor, target: Descriptor) -> Descriptor:
        """Copy one layer, changing its compression if the target's digest is open."""
        if self._destination.has_blob(target if target.digest else origin) and target.digest:
            self._progress.skipped("blob", origin)
            return target
        self._progress.start("blob", origin)
        with self._source.blob(origin) as raw:
            counted = _Watched(raw, origin, self._progress, self._stop)
            stream: Any = Verified(counted, origin, "blob")  # type: ignore[arg-type]
            if target.digest:
                result = self._destination.put_blob(target, stream)
                _exhaust(stream)
            else:
                plain = decompressed(stream)
                wanted = manifests.compression(target.media_type)
                body = compressed(plain, wanted) if wanted else plain
                result = self._destination.put_blob(target, body)
                _exhaust(stream)
        self._progress.done("blob", origin)
        return result


class _Watched(io.RawIOBase):
    """A blob's bytes on their way: progress is told, and a failed sibling ends it."""

    def __init__(self, stream: BinaryIO, blob: Descriptor, progress: Progress, stop: Event) -> None:
        self._stream = stream
        self._blob = blob
        self._progress = progress
        self._stop = stop

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._stop.is_set():
            raise Cancelled("cancelled: another layer failed")
        data = self._stream.read(size)
        self._progress.advance("blob", self._blob, len(data))
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Cancelled(RundletError):
    """A layer's copy was ended because another one failed; never shown: that one's error is."""


def _exhaust(stream: Any) -> None:
    """Read to the end: only there is the digest known to be right."""
    while stream.read(1 << 20):
        pass


def digest_of(data: bytes) -> str:
    """The sha256 digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def check_digest(what: str, data: bytes, digest: str) -> None:
    """Raise DigestMismatch when bytes do not hash to `digest` ("" checks nothing)."""
    if not digest:
        return
    algorithm, _, encoded = digest.partition(":")
    found = hashlib.new(algorithm, data).hexdigest()
    if found != encoded:
        raise DigestMismatch(what, digest, f"{algorithm}:{found}")
