"""One image of a copy: its config and layers to the destination, and what its manifest is there."""

from __future__ import annotations

import io

from ..content.verify import Verified
from ..contracts.transport import ManifestBytes
from ..errors import Corrupt, InvalidArgument
from ..value import Value
from . import config as configs
from . import manifest as manifests
from .carrying import Carrier
from .digests import digest_of
from .marks import check_kind, is_encrypted
from .plan import SCHEMA1, Wishes, plan
from .schema1 import manifest_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..content.sealing import Secret
    from ..contracts.transport import ImageDestination, ImageSource
    from .copy import CopyOptions
    from .descriptor import Descriptor
    from .encryption import Encryption
    from .manifest import Manifest
    from .progress import Progress


class Copied(Value):
    """What arrived: the top manifest and its digest, and the digest of its config ("" of an index).

    blobs: digests of layers and config that are at the destination now.
    """

    manifest: ManifestBytes
    digest: str
    config: str = ""
    blobs: tuple[str, ...] = ()


class ImageCopy:
    """Copies images, one after the other, from one source to one destination."""

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
        self._secrets: dict[str, Secret] = {}
        self._layers = Carrier(source, destination, options, progress, self._secrets)

    def copy(self, manifest: Manifest, data: ManifestBytes, wishes: Wishes | None) -> Copied:
        """Copy config and layers of one image; what its manifest must be there.

        wishes: None keeps everything as it is.
        """
        config = self._config(manifest.config)
        target = manifest
        if wishes is not None and not self._options.keep:
            diff_ids = _diff_ids(manifest.config, config)
            opened, wishes = self._opened(manifest, wishes)
            target = self._sealed(plan(opened, diff_ids, self._destination, wishes))
        elif self._options.keep:
            _check_kept(manifest, self._destination, self._options.wishes, self._options.encryption)
        self._destination.expect(target, config)
        schema1 = wishes is not None and wishes.format == SCHEMA1
        if not schema1:  # said before the layers start: lines of one copy come in one order
            self._progress.start("config", target.config)
        placed, layers = self._layers.carry(
            manifest.layers,
            target.layers,
            lambda: target.config if schema1 else self._put_config(target.config, config),
            wishes or self._options.wishes,
        )
        if schema1:
            return self._as_schema1(config, layers)
        blobs = (placed.digest, *(layer.digest for layer in layers))
        if target.media_type == manifest.media_type and layers == manifest.layers:
            kept = data.replace(media_type=manifest.media_type)
            return Copied(kept, digest_of(data.data), placed.digest, blobs)
        made = manifests.recompose(manifest, target.media_type, placed, layers)
        return Copied(ManifestBytes(made, target.media_type), digest_of(made), placed.digest, blobs)

    def _as_schema1(self, config: bytes, layers: tuple[Descriptor, ...]) -> Copied:
        """The image as schema 1 has it, its layers being there: the config is in the manifest."""
        from .schema1_writing import EMPTY, EMPTY_LAYER, manifest

        data = manifest(config, layers, self._destination.location.name)
        if not self._destination.has_blob(EMPTY_LAYER):
            self._destination.put_blob(EMPTY_LAYER, io.BytesIO(EMPTY))
        blobs = (EMPTY_LAYER.digest, *(layer.digest for layer in layers))
        made = ManifestBytes(data, manifests.DOCKER_SCHEMA1)
        return Copied(made, manifest_digest(data), "", blobs)

    # --- encryption

    def _opened(self, manifest: Manifest, wishes: Wishes) -> tuple[Manifest, Wishes]:
        """The image with layers as they will be once decrypted, and what is wished of it."""
        encryption = self._options.encryption
        if not encryption:
            return manifest, wishes
        from .encryption import opened

        if encryption.recipients and not wishes.format:
            wishes = wishes.replace(format="oci")
        secrets = encryption.secrets(manifest.layers)
        self._secrets.update(secrets)
        return opened(manifest, secrets), wishes

    def _sealed(self, target: Manifest) -> Manifest:
        """What is planned, with layers marked that will be encrypted."""
        if not self._options.encryption:
            return target
        found = self._options.encryption.sealed(target)
        if any(is_encrypted(layer) for layer in found.layers):
            check_kind(found.media_type, self._destination.compress)
        return found

    # --- blobs

    def _config(self, wanted: Descriptor) -> bytes:
        if wanted.size > manifests.LARGEST:
            raise Corrupt(f"config {wanted.digest} of {wanted.size} bytes is too large")
        known = self._destination.known(wanted)
        if known is not None and len(known) == wanted.size:
            return known
        with self._source.blob(wanted) as raw:
            return Verified(raw, wanted, f"config {wanted.digest}").read()

    def _put_config(self, target: Descriptor, config: bytes) -> Descriptor:
        there = self._destination.has_blob(target)
        placed = target if there else self._destination.put_blob(target, io.BytesIO(config))
        self._progress.done("config", target)
        return placed


def _check_kept(
    manifest: Manifest,
    destination: ImageDestination,
    wishes: Wishes,
    encryption: Encryption | None,
) -> None:
    """Raise InvalidArgument when an image cannot be written with the digest that it has."""
    accepts = destination.accepts
    if accepts and manifest.media_type not in accepts:
        raise cannot_keep(f"{destination.location.transport} holds none of {manifest.media_type}")
    if destination.compress == "uncompressed" and any(
        manifests.compression(layer.media_type) for layer in manifest.layers
    ):
        raise cannot_keep(f"{destination.location.transport} holds no compressed layers")
    if wishes != Wishes() or encryption:
        raise cannot_keep("another format, compression or encryption is asked for")


def cannot_keep(why: str) -> InvalidArgument:
    """Worded as containers/image words it."""
    return InvalidArgument(f"Instructed to preserve digests, but the image would change: {why}")


def _diff_ids(descriptor: Descriptor, config: bytes) -> tuple[str, ...]:
    """The diff_ids of an image's config; () of an artifact's. Raises Corrupt."""
    if descriptor.media_type in (manifests.OCI_CONFIG, manifests.DOCKER_CONFIG):
        return configs.parse(config).diff_ids
    return ()
