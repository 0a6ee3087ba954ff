"""OCI image layouts (image-spec image-layout.md), wherever their files are.

`oci:` keeps them in a directory, `oci-archive:` in a tar file; what the files mean is
the same and is here: the choice of an image in `index.json`, and reading it.
"""

from __future__ import annotations

from ..content.verify import Verified
from ..contracts.transport import ImageSource, Location, ManifestBytes
from ..errors import Corrupt, InvalidArgument, NoSuchImage, NotFound
from ..images import documents
from ..images.descriptor import Descriptor, digest_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    from ..streams import ReadableFile

    class Files(Protocol):
        """Where the files of a layout are."""

        def read(self, name: str, limit: int) -> bytes: ...
        def open(self, name: str, offset: int = 0) -> ReadableFile: ...
        def close(self) -> None: ...


INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
MOST_MANIFEST_BYTES = 4 * 1024 * 1024
"""As containers/image limits manifests and configs."""
COSIGN = "dev.cosignproject.cosign/sigs"
_ATTESTATIONS = "dev.cosignproject.cosign/atts"
_BUNDLES = "application/vnd.dev.sigstore.bundle"
_REF_PUNCTUATION = "-._:@/+"


def split(text: str) -> tuple[str, str]:
    """Path and reference of `path[:ref|@digest|:@N]`.

    The reference is "", a ref name, `@sha256:...` or `@N` (the N-th image of the index).
    Raises InvalidArgument.
    """
    path, _, reference = text.partition(":")
    plain, at, algorithm = path.rpartition("@")
    if at and digest_like(f"{algorithm}:{reference}"):
        return plain, f"@{algorithm}:{reference}"
    if not path:
        raise InvalidArgument(f"invalid reference {text!r}: expected PATH, PATH:REF or PATH@DIGEST")
    if reference.startswith("@"):
        if not reference[1:].isdecimal() and not digest_like(reference[1:]):
            raise InvalidArgument(f"invalid reference {reference!r}: expected @N or @sha256:HEX")
    elif reference and not _valid_ref(reference):
        raise InvalidArgument(f"invalid image name {reference!r} after {path}:")
    return path, reference


def digest_like(text: str) -> bool:
    """Whether a text is a digest."""
    try:
        digest_parts(text)
    except InvalidArgument:
        return False
    return True


def blob_name(digest: str) -> str:
    """The name of a blob's file in a layout. Raises InvalidArgument for what is no digest."""
    return "blobs/" + "/".join(digest_parts(digest))


def parse_index(data: bytes, where: str) -> dict[str, Any]:
    """The document of an index.json. Raises Corrupt."""
    index = documents.read_object(data, f"{where}: index.json")
    if not isinstance(index.get("manifests"), list):
        raise Corrupt(f"{where}: index.json has no list 'manifests'")
    for number, item in enumerate(index["manifests"]):
        try:
            descriptor_of(item)
        except InvalidArgument as error:
            raise Corrupt(f"{where}: index.json: manifests[{number}]: {error}") from None
    return index


def descriptor_of(item: Any) -> Descriptor:
    """A descriptor from its JSON. Raises InvalidArgument."""
    if not isinstance(item, dict):
        raise InvalidArgument("is not an object")
    digest, size = item.get("digest"), item.get("size")
    annotations = item.get("annotations") or {}
    if not isinstance(size, int) or size < 0:
        raise InvalidArgument(f"size {size!r} is no number of bytes")
    if not isinstance(annotations, dict):
        raise InvalidArgument("annotations are not an object")
    if not isinstance(digest, str):
        raise InvalidArgument(f"digest {digest!r} is not a text")
    digest_parts(digest)
    return Descriptor(
        digest,
        size,
        str(item.get("mediaType", "")),
        annotations=annotations,
        platform=item.get("platform"),
        artifact_type=str(item.get("artifactType") or ""),
    )


def holds_signatures(item: Descriptor) -> bool:
    """Whether an entry of an index is no image, but holds signatures or attestations of one
    (images/attached.py; `cosign save` names those by a `kind`).
    """
    name = str(item.annotations.get(REF_NAME) or "").removesuffix(".sig")
    if item.annotations.get(REF_NAME) != name and digest_like(name.replace("-", ":", 1)):
        return True
    return item.annotations.get("kind") in (COSIGN, _ATTESTATIONS) or item.artifact_type.startswith(
        _BUNDLES
    )


def names(index: dict[str, Any]) -> list[str]:
    """Every image of an index as `split` takes it: its ref name, or `@N` where it has none."""
    found = []
    for number, item in enumerate(map(descriptor_of, index["manifests"])):
        if not holds_signatures(item):
            found.append(item.annotations.get(REF_NAME) or f"@{number}")
    return found


def select(index: dict[str, Any], wanted: str, location: Location) -> Descriptor:
    """The image that a reference means; without one, the only image there is.

    Raises NoSuchImage, and InvalidArgument when there are several to choose from.
    """
    found = [descriptor_of(item) for item in index["manifests"]]
    if not wanted:
        found = [item for item in found if not holds_signatures(item)]
        if len(found) > 1:
            raise InvalidArgument(
                f"{location} holds {len(found)} images",
                remedy=f"choose one: {', '.join(f'{location}:{name}' for name in names(index))}",
            )
    elif wanted[1:].isdecimal() and wanted[0] == "@":
        found = found[int(wanted[1:]) :][:1]
    elif wanted[0] == "@":
        found = [item for item in found if item.digest == wanted[1:]]
    else:
        found = [item for item in found if item.annotations.get(REF_NAME) == wanted]
    if not found:
        raise NoSuchImage(str(location))
    return found[-1]


def with_manifest(index: dict[str, Any], descriptor: Descriptor, name: str) -> dict[str, Any]:
    """The index with one image more, in the place of one of the same name.

    An unnamed image is added only where its digest is not there unnamed.
    """
    entry: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }
    if name:
        entry["annotations"] = {REF_NAME: name}
    kept = [
        item
        for item in index["manifests"]
        if (item.get("annotations") or {}).get(REF_NAME, "") != name
        or (not name and item["digest"] != descriptor.digest)
    ]
    return {**index, "manifests": [*kept, entry]}


def without_name(index: dict[str, Any], chosen: Descriptor) -> dict[str, Any]:
    """The index without one entry."""
    kept = [item for item in index["manifests"] if descriptor_of(item) != chosen]
    return {**index, "manifests": kept}


def new_index() -> dict[str, Any]:
    """An index of no images."""
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}


def media_type(data: bytes, what: str, otherwise: str = "") -> str:
    """What a manifest says it is; else `otherwise`; else by its shape.

    Raises Corrupt that begins with `what`.
    """
    document = documents.read_object(data, what)
    found = document.get("mediaType") or otherwise
    return str(found) if found else (INDEX if "manifests" in document else MANIFEST)


class LayoutSource(ImageSource):
    """One image of a layout, opened for reading. Manifests are checked against their digests."""

    def __init__(self, location: Location, wanted: str, files: Files) -> None:
        self.location = location
        self._files = files
        try:
            data = files.read("index.json", MOST_MANIFEST_BYTES)
        except NotFound:
            raise NoSuchImage(f"{location} (no index.json there)") from None
        self._index = parse_index(data, str(location))
        self._top = select(self._index, wanted, location)

    def manifest(self, digest: str = "") -> ManifestBytes:
        wanted = Descriptor(digest) if digest else self._top
        what = f"manifest {wanted.digest} of {self.location}"
        if wanted.size > MOST_MANIFEST_BYTES:
            raise Corrupt(f"{what}: {wanted.size} bytes are too many for a manifest")
        with Verified(self.blob(wanted), wanted, what) as stream:
            data = stream.read(MOST_MANIFEST_BYTES + 1)
            if len(data) > MOST_MANIFEST_BYTES:
                raise Corrupt(f"{what}: too large for a manifest")
            stream.finish()
        return ManifestBytes(data, media_type(data, what, wanted.media_type))

    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        try:
            return self._files.open(blob_name(descriptor.digest), offset)
        except NotFound:
            raise NotFound(f"{self.location}: blob {descriptor.digest} is missing") from None

    def tags(self) -> Sequence[str]:
        return names(self._index)

    def signatures(self, digest: str = "") -> Sequence[bytes]:
        from .layout_signatures import read

        return read(self._index, digest or self._top.digest, self)

    def close(self) -> None:
        self._files.close()


def _valid_ref(reference: str) -> bool:
    """Ref names are made of letters, digits and `-._:@/+` (image-spec annotations.md)."""
    plain = reference.translate({ord(mark): None for mark in _REF_PUNCTUATION})
    return reference.isascii() and plain.isalnum() and reference[0].isalnum()
