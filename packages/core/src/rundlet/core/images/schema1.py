"""Docker's manifests of schema 1, read and turned into schema 2 (`schema1_writing` makes some).

They name layers newest first, without sizes or diff_ids, and keep each layer's config as
JSON text: what is missing is found out by fetching the layers, which are kept in files until
the copy is done. (distribution's manifest-v2-1.md.)
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
from functools import partial

from .. import json
from ..content.compress import PIECE, decompressed, detect
from ..content.verify import Verified
from ..contracts.transport import ImageSource, ManifestBytes
from ..errors import Corrupt, InvalidArgument
from ..together import together
from . import manifest as manifests
from .descriptor import Descriptor, digest_parts
from .digests import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO, Any

    from ..streams import ReadableFile

_MOST_LAYERS = 1000
_PARALLEL = 4
# Of a layer's config, what belongs to the layer and not to the image.
_OF_LAYERS = ("id", "parent", "parent_id", "layer_id", "throwaway", "Size")


def is_schema1(data: bytes) -> bool:
    """Whether a manifest is of schema 1. False for what is no JSON object too."""
    if b'"fsLayers"' not in data:
        return False
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("schemaVersion") == 1


def manifest_digest(data: bytes) -> str:
    """The sha256 digest by which registries know a manifest.

    Of a signed schema 1 manifest that is the digest of what was signed. Raises Corrupt for a
    malformed signature.
    """
    if is_schema1(data) and b'"signatures"' in data:
        data = _payload(data)
    return digest_of(data)


def _payload(data: bytes) -> bytes:
    """The signed bytes: the first `formatLength` of the document, and `formatTail` (JWS)."""
    try:
        protected = json.loads(data)["signatures"][0]["protected"]
        said = json.loads(_decoded(protected))
        length, tail = said["formatLength"], _decoded(said["formatTail"])
        if not 0 <= length <= len(data):
            raise ValueError(f"formatLength {length}")
        return data[:length] + tail
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise Corrupt("malformed signature in a schema 1 manifest") from None


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def upgraded(source: ImageSource) -> ImageSource:
    """A source whose manifest of schema 1 is one of schema 2; any other is as it was.

    Closing it closes what it keeps, and not `source`.
    """
    return _Upgraded(source)


def described(data: bytes) -> tuple[manifests.Manifest, bytes]:
    """What a manifest says by itself, to be looked at: the image, its layers of unknown sizes, and
    a config without diff_ids. Raises Corrupt.
    """
    history = _history(data)
    config = _config([old for _, old in history], [])
    layers = tuple(Descriptor(digest) for digest, _ in history)
    found = manifests.Manifest(
        manifests.DOCKER_SCHEMA1, Descriptor(""), layers, document=json.loads(data)
    )
    return found, config


class _Layer:
    """A layer that was fetched: a file with its bytes, and what was found out."""

    def __init__(self, source: ImageSource, digest: str) -> None:
        import tempfile

        # Where large temporaries belong: /tmp may be memory.
        directory = os.environ.get("TMPDIR") or "/var/tmp"
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 (close)
        try:
            wanted = Descriptor(digest)
            with source.blob(wanted) as raw:
                checked = Verified(raw, wanted, f"blob {digest}")
                while piece := checked.read(PIECE):
                    self.file.write(piece)
            self.file.flush()
            with self.open() as raw:
                compression = detect(raw.read(6))
            with self.open() as raw:
                self.diff_id = _diff_id(raw)
        except BaseException:
            self.file.close()
            raise
        kind = manifests.layer_type(
            manifests.DOCKER_MANIFEST,
            compression if compression == "gzip" else "",
            manifests.DOCKER_LAYER,
        )
        self.descriptor = checked.descriptor.replace(media_type=kind)

    def open(self, offset: int = 0) -> ReadableFile:
        """The bytes from `offset`; several may be open at once."""
        stream = open(f"/proc/self/fd/{self.file.fileno()}", "rb")  # noqa: SIM115 (the caller's)
        stream.seek(offset)
        return stream


class _Upgraded(ImageSource):
    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self.location = source.location
        self._layers: dict[str, _Layer] = {}
        self._config: Descriptor | None = None
        self._config_data = b""
        self._made: ManifestBytes | None = None

    def manifest(self, digest: str = "") -> ManifestBytes:
        if not digest and self._made is not None:
            return self._made
        found = self._source.manifest(digest)
        if not is_schema1(found.data):
            return found
        if digest:
            raise InvalidArgument("an index of schema 1 manifests is not supported")
        self._made = self._upgrade(found.data)
        return self._made

    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        if self._config is not None and descriptor.digest == self._config.digest:
            return io.BytesIO(self._config_data[offset:])
        layer = self._layers.get(descriptor.digest)
        if layer is not None:
            return layer.open(offset)
        return self._source.blob(descriptor, offset)

    def part(self, descriptor: Descriptor, offset: int, size: int) -> ReadableFile:
        if descriptor.digest in self._layers:
            return self.blob(descriptor, offset)
        return self._source.part(descriptor, offset, size)

    def signatures(self, digest: str = "") -> Sequence[bytes]:
        """None of a manifest that was made here: they would be of the original."""
        if not digest and self._made is not None:
            return ()
        return self._source.signatures(digest)

    def close(self) -> None:
        for layer in self._layers.values():
            layer.file.close()

    def _upgrade(self, data: bytes) -> ManifestBytes:
        history = _history(data)
        digests = [digest for digest, old in history if not old.get("throwaway")]
        # Each is noted by itself, to be closed with this source whatever fails.
        unique = dict.fromkeys(digests)
        together([partial(self._fetch, digest) for digest in unique], _PARALLEL)
        layers = [self._layers[digest] for digest in digests]
        self._config_data = _config([old for _, old in history], [each.diff_id for each in layers])
        self._config = Descriptor(
            digest_of(self._config_data),
            len(self._config_data),
            manifests.DOCKER_CONFIG,
        )
        made = manifests.compose(
            manifests.DOCKER_MANIFEST, self._config, [each.descriptor for each in layers]
        )
        return ManifestBytes(made, manifests.DOCKER_MANIFEST)

    def _fetch(self, digest: str) -> None:
        self._layers[digest] = _Layer(self._source, digest)


def _history(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    """(digest, config) of each layer, oldest first. Raises Corrupt."""
    if len(data) > manifests.LARGEST:
        raise Corrupt(f"manifest of {len(data)} bytes: more than {manifests.LARGEST}")
    try:
        document = json.loads(data)
        digests = [str(item["blobSum"]) for item in document["fsLayers"]]
        configs = [json.loads(item["v1Compatibility"]) for item in document["history"]]
        for digest in digests:
            digest_parts(digest)
        if not all(isinstance(item, dict) for item in configs):
            raise ValueError("a layer's config is no object")
    except (ValueError, KeyError, TypeError, RecursionError, InvalidArgument):
        raise Corrupt(
            "malformed schema 1 manifest: no fsLayers with blobSum and history with v1Compatibility"
        ) from None
    if not 0 < len(digests) == len(configs) <= _MOST_LAYERS:
        raise Corrupt(f"schema 1 manifest with {len(digests)} layers and {len(configs)} configs")
    pairs = list(zip(digests, configs, strict=True))
    # Old registries list a layer twice in a row.
    kept = [
        pair
        for pair, older in zip(pairs, [*pairs[1:], None], strict=True)
        if older is None or not pair[1].get("id") or pair[1]["id"] != older[1].get("id")
    ]
    return kept[::-1]


def _config(history: list[dict[str, Any]], diff_ids: list[str]) -> bytes:
    """The image's config: the newest layer's, with what schema 2 wants besides."""
    document = {key: value for key, value in history[-1].items() if key not in _OF_LAYERS}
    document["rootfs"] = {"type": "layers", "diff_ids": diff_ids}
    document["history"] = [_step(old) for old in history]
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _step(old: dict[str, Any]) -> dict[str, Any]:
    """One entry of a config's history."""
    command = (old.get("container_config") or {}).get("Cmd") or ()
    found = {
        "created": old.get("created"),
        "author": old.get("author"),
        "created_by": " ".join(map(str, command)),
        "comment": old.get("comment"),
        "empty_layer": bool(old.get("throwaway")),
    }
    return {key: value for key, value in found.items() if value}


def _diff_id(stream: ReadableFile) -> str:
    found = hashlib.sha256()
    with decompressed(stream) as plain:
        while piece := plain.read(PIECE):
            found.update(piece)
    return f"sha256:{found.hexdigest()}"
