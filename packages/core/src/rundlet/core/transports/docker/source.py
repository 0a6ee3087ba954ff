"""Reading an image from a registry, or from the mirrors of one."""

from __future__ import annotations

import hashlib

from ...contracts.transport import ImageSource, ManifestBytes
from ...errors import (
    Corrupt,
    DigestMismatch,
    NoSuchImage,
    NotFound,
    RegistryError,
    RundletError,
    TimedOut,
)
from ...images.descriptor import digest_parts
from ...images.manifest import ACCEPTED, DOCKER_SCHEMA1, LARGEST, Manifest, parse
from ...images.schema1 import manifest_digest
from . import failures
from .ranges import LARGE, RangedBlob
from .referrers import list_referrers
from .response import HTTPError
from .resuming import ResumingBlob
from .tags import list_tags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...content.locations import KnownLocations
    from ...contracts.transport import Location
    from ...images.descriptor import Descriptor
    from ...images.reference import Reference
    from ...streams import ReadableFile
    from .client import Client
    from .response import Response
    from .signatures import Signatures

_ACCEPT = ", ".join((*ACCEPTED, DOCKER_SCHEMA1))


class DockerSource(ImageSource):
    """An image of a repository.

    places: references and clients in order of preference: mirrors, then the registry
    itself. The first that has the manifest serves the blobs too.
    known: is told which repository has which blobs. signatures: where those of the images are.
    """

    def __init__(
        self,
        location: Location,
        places: Sequence[tuple[Reference, Client]],
        known: KnownLocations | None = None,
        signatures: Signatures | None = None,
    ) -> None:
        self.location = location
        self._signatures = signatures
        self._known = known
        self._places = list(places)
        self._chosen: tuple[Reference, Client] | None = None
        self._top: ManifestBytes | None = None

    def manifest(self, digest: str = "") -> ManifestBytes:
        """The top one is asked for once: a tag may move meanwhile."""
        if digest:
            return self._manifest(digest)
        if self._top is None:
            self._top = self._manifest("")
        return self._top

    def _manifest(self, digest: str) -> ManifestBytes:
        found = self._fetched(digest)
        assert self._chosen is not None
        if self._known is not None:
            self._known.note(self._chosen[0].repository, _layers(found))
        return found

    def _fetched(self, digest: str) -> ManifestBytes:
        if self._chosen is not None:
            return fetch_manifest(*self._chosen, digest)
        failure: RundletError | None = None
        for reference, client in self._places:
            try:
                found = fetch_manifest(reference, client, digest)
            except (NotFound, RegistryError, TimedOut) as error:
                failure = error  # the last one is of the registry itself: that one counts
            else:
                self._chosen = reference, client
                return found
        assert failure is not None
        raise failure

    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        """From where the manifest is; where that fails, from the other places."""
        places = self._best()
        if descriptor.size - offset >= LARGE:
            reference, client = places[0]
            return RangedBlob(
                lambda at: ResumingBlob(places, descriptor, at),
                lambda begin, end: _part(reference, client, descriptor, begin, end),
                descriptor.size,
                offset,
            )
        return ResumingBlob(places, descriptor, offset)

    def _best(self) -> Sequence[tuple[Reference, Client]]:
        if self._chosen is None:
            return self._places[-1:]
        return [self._chosen, *(place for place in self._places if place is not self._chosen)]

    def part(self, descriptor: Descriptor, offset: int, size: int) -> ReadableFile:
        return ResumingBlob(self._best(), descriptor, offset, offset + size)

    def tags(self) -> Sequence[str]:
        reference, client = self._places[-1]
        return list_tags(client, reference)

    def referrers(self, digest: str, artifact_type: str = "") -> Sequence[Descriptor]:
        reference, client = self._chosen or self._places[-1]
        return list_referrers(client, reference, digest, artifact_type)

    def signatures(self, digest: str = "") -> Sequence[bytes]:
        if self._signatures is None:
            return ()
        digest = digest or manifest_digest(self.manifest().data)
        reference, client = self._chosen or self._places[-1]
        return self._signatures.read(client, reference, digest)

    def close(self) -> None:
        for _, client in self._places:
            client.close()


def fetch_manifest(reference: Reference, client: Client, digest: str) -> ManifestBytes:
    """The manifest of a reference, or the one with this digest. Raises NoSuchImage, Corrupt."""
    wanted = digest or reference.digest or reference.tag
    try:
        response = client.request(
            "GET",
            f"{reference.path}/manifests/{wanted}",
            scope=f"repository:{reference.path}:pull",
            headers={"Accept": _ACCEPT},
        )
    except failures.MissingInRegistry as error:
        raise _unknown(reference, wanted, error) from None
    try:
        data = response.read_all(LARGEST + 1)
    except HTTPError as error:
        raise failures.unreachable(f"reading manifest {wanted} of {reference}", error) from None
    if len(data) > LARGEST:
        raise Corrupt(f"{reference}: manifest is larger than {LARGEST} bytes")
    if wanted != reference.tag:
        check(f"manifest of {reference.repository}", data, wanted)
    return ManifestBytes(data, response.headers.get("Content-Type", ""))


def _layers(manifest: ManifestBytes) -> list[str]:
    """Digests of the layers of an image; none of an index, or of what is no manifest at all."""
    try:
        parsed = parse(manifest.data, manifest.media_type)
    except RundletError:
        return []  # who asked for it finds out by itself
    return [layer.digest for layer in parsed.layers] if isinstance(parsed, Manifest) else []


def check(what: str, data: bytes, digest: str) -> None:
    """Raise DigestMismatch when a manifest's bytes do not hash to a digest."""
    if manifest_digest(data) == digest:
        return
    algorithm, encoded = digest_parts(digest)
    found = hashlib.new(algorithm, data).hexdigest()
    if found != encoded:
        raise DigestMismatch(what, digest, f"{algorithm}:{found}")


def _part(
    reference: Reference, client: Client, descriptor: Descriptor, begin: int, end: int
) -> Response:
    """The answer to a request for some bytes of a blob."""
    return client.request(
        "GET",
        f"{reference.path}/blobs/{descriptor.digest}",
        scope=f"repository:{reference.path}:pull",
        headers={"Range": f"bytes={begin}-{end - 1}"},
        expect=(200, 206),
    )


def _unknown(reference: Reference, wanted: str, error: failures.MissingInRegistry) -> NotFound:
    """podman's words for what a registry does not have."""
    if "NAME_UNKNOWN" in error.codes:
        text = f"reading manifest {wanted} in {reference.repository}: name unknown"
    else:
        text = f"reading manifest {wanted} in {reference.repository}: manifest unknown"
    found = NoSuchImage(str(reference))
    found.message, found.args = text, (text,)
    return found
