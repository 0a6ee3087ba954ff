"""An image of one layer from a tarball (podman-import(1))."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..content.compress import compressed, decompressed
from ..contracts.transport import ManifestBytes
from ..errors import InvalidArgument, NotFound, RegistryError
from ..format.times import rfc3339
from . import manifest as manifests
from .changes import apply
from .descriptor import Descriptor
from .names import stored_name
from .store_destination import StoreDestination

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, BinaryIO

    from ..engine import Engine
    from ..state.images import Image

_STALL = 60


def import_tarball(
    engine: Engine,
    source: str,
    name: str,
    changes: Sequence[str],
    message: str,
    platform: str,
) -> Image:
    """See `Images.import_`. Raises NotFound, Corrupt, UnsafeArchive, InvalidArgument."""
    config: dict[str, Any] = {}
    apply(config, changes)  # before anything is read: a wrong one costs no download
    names = (str(stored_name(name)),) if name else ()
    with StoreDestination(engine, names) as destination:
        with _opened(source) as stream, decompressed(stream) as plain:
            hashed = _Hashed(plain)
            wanted = Descriptor("", -1, f"{manifests.OCI_LAYER}+gzip")
            with engine.blobs.writer(wanted) as writer:
                body = compressed(hashed, "gzip")  # type: ignore[arg-type]
                while piece := body.read(1 << 18):
                    writer.write(piece)
                layer = writer.commit()
        document = _document(config, hashed.digest, message or f"Imported from {source}", platform)
        _write(destination, document, layer.replace(media_type=wanted.media_type))
        return engine.images.get(destination.image)


def _document(config: dict[str, Any], diff_id: str, message: str, platform: str) -> dict[str, Any]:
    """The image config (image-spec config.md)."""
    here = manifests.parse_platform(platform) if platform else manifests.native()
    now = rfc3339(time.time_ns())
    document = {
        "created": now,
        "architecture": here.architecture,
        "os": here.os,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": now, "created_by": "", "comment": message}],
    }
    return {**document, "variant": here.variant} if here.variant else document


def _write(destination: StoreDestination, document: dict[str, Any], layer: Descriptor) -> None:
    config = json.dumps(document).encode()
    digest = "sha256:" + hashlib.sha256(config).hexdigest()
    described = Descriptor(digest, len(config), manifests.OCI_CONFIG)
    data = manifests.compose(manifests.OCI_MANIFEST, described, (layer,))
    manifest = manifests.parse(data, manifests.OCI_MANIFEST)
    assert isinstance(manifest, manifests.Manifest)
    destination.expect(manifest, config)
    destination.put_blob(described, io.BytesIO(config))
    destination.put_manifest(ManifestBytes(data, manifests.OCI_MANIFEST))
    destination.commit()


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    """A file, what is at a URL, or with "-" standard input."""
    if source == "-":
        yield sys.stdin.buffer
    elif source.startswith(("http://", "https://")):
        with _download(source) as stream:
            yield stream
    else:
        try:
            file = open(source, "rb")  # noqa: SIM115 (closed below; only opening is explained)
        except OSError as error:
            raise NotFound(f"cannot open {source}: {error.strerror}") from None
        with file:
            yield file


def _download(url: str) -> Any:
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        return urlopen(url, timeout=_STALL)
    except URLError as error:
        raise RegistryError(f"cannot download {url}: {error.reason}") from None
    except ValueError as error:
        raise InvalidArgument(f"{url}: {error}") from None


class _Hashed(io.RawIOBase):
    """What passes is hashed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = stream.read
        self._sha256 = hashlib.sha256()

    @property
    def digest(self) -> str:
        return "sha256:" + self._sha256.hexdigest()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._read(size)
        self._sha256.update(data)
        return data
