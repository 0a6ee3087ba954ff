"""The artifacts of one graph root, as an OCI layout of their own: GRAPH/artifacts.

podman keeps its artifacts the same way. The layout's own locks (transports/oci.py) make it
safe for several processes at once.
"""

from __future__ import annotations

import json
import os

from ..content.verify import Verified
from ..errors import AmbiguousName, Corrupt, InvalidArgument, NoSuchArtifact, NotFound
from ..images import manifest as manifests
from ..images import reference as references
from ..transports import layout
from ..transports.oci import DirectoryFiles, OciTransport
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..contracts.transport import Location
    from ..images.descriptor import Descriptor
    from ..images.reference import Reference
    from ..streams import ReadableFile

TITLE = "org.opencontainers.image.title"
CREATED = "org.opencontainers.image.created"
_SHORTEST_DIGEST = 3


class Artifact(Value):
    """One artifact. name: full, with its tag. manifest: as it is stored, parsed."""

    name: str
    digest: str
    manifest: dict[str, Any]
    blobs: tuple[Descriptor, ...]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(blob.size for blob in self.blobs)

    @property
    def created(self) -> str:
        """When it was made, as it says itself; "" where it does not."""
        return str((self.manifest.get("annotations") or {}).get(CREATED) or "")


class Store:
    """Reading and writing the layout. path: of its directory, which need not be there yet."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.index = os.path.join(path, "index.json")
        self.files = DirectoryFiles(path)
        self.transport = OciTransport()

    def location(self, name: str) -> Location:
        """Where the artifact of a full name is, or will be."""
        return self.transport.parse(f"{self.path}:{name}")

    def all(self) -> list[Artifact]:
        """Every artifact, in the order of their names. Raises Corrupt."""
        found = [self.read(item) for item in self.tops() if item.annotations.get(layout.REF_NAME)]
        return sorted(found, key=lambda artifact: artifact.name)

    def tops(self) -> list[Descriptor]:
        """The manifests that the index names. Raises Corrupt."""
        try:
            data = self.files.read("index.json", layout.MOST_MANIFEST_BYTES)
        except NotFound:
            return []
        try:
            items = layout.parse_index(data, self.path)["manifests"]
        except Corrupt as error:
            raise Corrupt(
                error.message,
                remedy="The artifacts' names are lost. Remove them all, to pull or add them again:"
                " rundlet system check --repair --force",
            ) from None
        return [layout.descriptor_of(item) for item in items]

    def read(self, top: Descriptor) -> Artifact:
        """The artifact of one of `tops`. Raises NotFound, Corrupt, DigestMismatch."""
        data = self.open(top).read()
        parsed = manifests.parse(data, top.media_type)
        if not isinstance(parsed, manifests.Manifest):
            raise Corrupt(f"{self.path}: {top.digest} is no artifact's manifest")
        return Artifact(
            str(top.annotations[layout.REF_NAME]), top.digest, json.loads(data), parsed.layers
        )

    def find(self, name: str) -> Artifact | None:
        """By name, NAME@DIGEST, or (the beginning of) its digest. Raises AmbiguousName."""
        found = self.all()
        try:
            meant: Reference | None = references.parse(name).tagged()
        except InvalidArgument:
            meant = None
        for artifact in found:
            if meant is not None and _is(artifact, meant):
                return artifact
        wanted = name.removeprefix("sha256:")
        if len(wanted) < _SHORTEST_DIGEST or wanted.strip("0123456789abcdef"):
            return None
        fitting = [one for one in found if one.digest.partition(":")[2].startswith(wanted)]
        if len({one.digest for one in fitting}) > 1:
            raise AmbiguousName(f"{name} is the beginning of {len(fitting)} artifacts' digests")
        return fitting[0] if fitting else None

    def get(self, name: str) -> Artifact:
        """As `find`. Raises NoSuchArtifact."""
        found = self.find(name)
        if found is None:
            raise NoSuchArtifact(name)
        return found

    def open(self, blob: Descriptor) -> ReadableFile:
        """A blob for reading, checked as it is read. Raises NotFound."""
        stream = self.files.open(layout.blob_name(blob.digest))
        return Verified(stream, blob, f"blob {blob.digest}")

    def blob_path(self, blob: Descriptor) -> str:
        """The file of a blob."""
        return f"{self.path}/{layout.blob_name(blob.digest)}"


def full_name(text: str) -> str:
    """A name for an artifact, with its tag. Raises InvalidArgument for one without a host."""
    if not text:
        raise InvalidArgument("artifact name cannot be empty")
    if references.is_short(text):
        raise InvalidArgument(
            f"{text}: an artifact needs its whole name",
            remedy=f"For one that stays here: localhost/{text}.",
        )
    return str(references.parse(text).tagged())


def _is(artifact: Artifact, meant: Reference) -> bool:
    """Whether a name, or one with a digest, means an artifact."""
    if artifact.name == str(meant):
        return True
    if artifact.digest != meant.digest:
        return False
    return references.parse(artifact.name).repository == meant.repository
