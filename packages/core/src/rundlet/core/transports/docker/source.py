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
from ...streams import RawStream
from . import failures
from .ranges import LARGE, RangedBlob
from .referrers import list_referrers
from .tags import list_tags
from .wire import HTTPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...content.locations import KnownLocations
    from ...contracts.transport import Location
    from ...images.descriptor import Descriptor
    from ...images.reference import Reference
    from ...streams import ReadableFile
    from .client import Client
    from .signatures import Signatures
    from .wire import Response

_RESUMES = 5
_PROGRESS = 1 << 20
"""How often a blob is taken up again without this many bytes between: a long download over a bad
line goes on, a registry that gives a byte at a time does not."""
_STALLS = 2
"""How often in a row a blob may say nothing for a whole time-out."""
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


class ResumingBlob(RawStream):
    """A blob's bytes; a broken connection is taken up again where it broke.

    places: where it is, best first. One that breaks off is asked again after the others: the
    bytes of a digest are the same everywhere. end: where to stop, which takes a registry
    that honours ranges, or -1 for the blob's end.
    """

    def __init__(
        self,
        places: Sequence[tuple[Reference, Client]],
        descriptor: Descriptor,
        offset: int,
        end: int = -1,
    ) -> None:
        self._places = list(places)
        self._descriptor = descriptor
        self._offset = offset
        self._end = end
        self._resumes = self._stalls = 0
        self._broke_at = offset
        self._interrupted = False
        self._response = self._open()

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        if self._end >= 0:
            size = min(size, self._end - self._offset)
        while True:
            try:
                data = self._response.read(size)
            except HTTPError as error:
                self._resume(error)
                continue
            if not data and size and 0 <= self._offset < self._descriptor.size:
                self._resume(None)
                continue
            self._offset += len(data)
            return data

    def interrupt(self) -> None:
        """Make a `read` that waits in another thread end now, with an error."""
        self._interrupted = True
        try:
            self._response.shutdown()
        except OSError:
            pass  # it was just done

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()

    def _open(self) -> Response:
        """One GET from where we are on, at the first place that answers.

        Raises what the first one raised when none does: NotFound, RegistryError, TimedOut.
        """
        failure: RundletError | None = None
        for _ in self._places:
            try:
                return self._open_at(*self._places[0])
            except (NotFound, RegistryError, TimedOut) as error:
                failure = failure or error
                self._next_place()
        assert failure is not None
        raise failure

    def _next_place(self) -> None:
        self._places.append(self._places.pop(0))

    def _open_at(self, reference: Reference, client: Client) -> Response:
        offset, last = self._offset, self._end - 1 if self._end >= 0 else ""
        response = client.request(
            "GET",
            f"{reference.path}/blobs/{self._descriptor.digest}",
            scope=f"repository:{reference.path}:pull",
            headers={"Range": f"bytes={offset}-{last}"} if offset or last else {},
            expect=(200, 206),
        )
        if offset and response.status == 206:
            begins = response.headers.get("Content-Range", "").removeprefix("bytes ")
            if not begins.startswith(f"{offset}-"):
                response.close()
                raise Corrupt(
                    f"{reference}: asked for bytes from {offset}, got {begins or 'others'}"
                )
        elif self._end >= 0 and response.status == 200:
            response.close()
            raise RegistryError(f"{reference}: the registry gives no parts of blobs")
        elif offset and response.status == 200:  # ranges are not honoured: skip what we have
            _skip(response, offset)
        return response

    def _resume(self, error: BaseException | None) -> None:
        self._response.close()
        why = failures.reason(error) if error is not None else "connection closed"
        text = (
            f"{self._places[0][0]}: blob {self._descriptor.digest} broke off at byte {self._offset}"
            f" of {self._descriptor.size}: {why}"
        )
        if self._interrupted:
            raise RegistryError(text)
        gained = self._offset - self._broke_at
        self._resumes = 1 if gained >= _PROGRESS else self._resumes + 1
        self._stalls = self._stalls + 1 if failures.is_timeout(error) and not gained else 0
        self._broke_at = self._offset
        if self._stalls >= _STALLS:
            raise TimedOut(text)
        if self._resumes > _RESUMES:
            raise failures.BrokeOff(text)
        if not gained:
            self._next_place()
        try:
            self._response = self._open()
        except HTTPError as again:
            raise failures.BrokeOff(f"{text}; {failures.reason(again)}") from None


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


def _skip(response: Response, count: int) -> None:
    while count > 0:
        piece = response.read(min(count, 1 << 18))
        if not piece:
            return
        count -= len(piece)


def _unknown(reference: Reference, wanted: str, error: failures.MissingInRegistry) -> NotFound:
    """podman's words for what a registry does not have."""
    if "NAME_UNKNOWN" in error.codes:
        text = f"reading manifest {wanted} in {reference.repository}: name unknown"
    else:
        text = f"reading manifest {wanted} in {reference.repository}: manifest unknown"
    found = NoSuchImage(str(reference))
    found.message, found.args = text, (text,)
    return found
