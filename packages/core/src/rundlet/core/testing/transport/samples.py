"""Images for the tests of transports, and streams of any size."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

from ...contracts.transport import ManifestBytes
from ...errors import Corrupt
from ...images.descriptor import Descriptor
from ...streams import RawStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ...streams import ReadableFile

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_TYPES = {
    OCI_MANIFEST: (
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar",
    ),
    DOCKER_MANIFEST: (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar",
    ),
}


class SampleImage:
    """A small image of uncompressed layers that any transport can hold.

    contents: of one file in each layer.
    """

    def __init__(self, contents: Sequence[bytes], manifest_type: str = OCI_MANIFEST) -> None:
        config_type, layer_type = _TYPES[manifest_type]
        layers = [tar(f"file-{number}", content) for number, content in enumerate(contents)]
        self.layers = [described(content, layer_type) for content in layers]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [each.digest for each in self.layers]},
        }
        data = json.dumps(config).encode()
        self.config = described(data, config_type)
        self.blobs: Mapping[str, bytes] = {
            self.config.digest: data,
            **{each.digest: content for each, content in zip(self.layers, layers, strict=True)},
        }
        document = {
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": _json(self.config),
            "layers": [_json(each) for each in self.layers],
        }
        self.manifest = ManifestBytes(json.dumps(document).encode(), manifest_type)

    def descriptors(self) -> list[Descriptor]:
        """Config and layers."""
        return [self.config, *self.layers]


def tar(name: str, content: bytes) -> bytes:
    """A layer with one file in it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def described(content: bytes, media_type: str) -> Descriptor:
    """The descriptor of some bytes."""
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return Descriptor(digest, len(content), media_type)


def _json(descriptor: Descriptor) -> dict[str, Any]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }


class Counted(RawStream):
    """A stream of `size` zeros made as they are read; optionally fails before its end."""

    def __init__(self, size: int, fail_after: int = -1) -> None:
        self._left = size
        self._fail_in = fail_after

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        if self._fail_in == 0:
            raise Corrupt("the stream was cut off")
        count = min(size, self._left, 1 << 20)
        if self._fail_in > 0:
            count = min(count, self._fail_in)
            self._fail_in -= count
        self._left -= count
        return bytes(count)


def read_all(stream: ReadableFile) -> bytes:
    """All of a stream that may return less than it is asked for."""
    parts = []
    while piece := stream.read(1 << 20):
        parts.append(piece)
    return b"".join(parts)
