"""Contract of an image transport: where images come from and go to.

A transport parses the part of a reference after `name:` into a `Location`, and
opens it for reading or writing. Sources and destinations deal in bytes of
manifests and blobs; what they mean is the image engine's business
(`rundlet.core.images`), which also checks every digest: a source may be a liar.

Clauses
    TRANSPORT-ROUNDTRIP     what was committed is read back, byte for byte, from any offset.
    TRANSPORT-DIGEST        `put_blob` finds out a digest and size that it is not told.
    TRANSPORT-VERIFY        bytes that are not what a descriptor says are refused, none is kept.
    TRANSPORT-PARSE-ROUNDTRIP  `str(parse(x))` parses to an equal location.
    TRANSPORT-STREAM        blobs are streamed: memory does not grow with a blob.
    TRANSPORT-PARALLEL      `blob` and `put_blob` may be called from several threads at once.
    TRANSPORT-COMMIT        what is written is visible to others at `commit`, whole, or never.
    TRANSPORT-UNKNOWN       a missing image or blob is NotFound (NoSuchImage for the image).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Any, ClassVar, Self

    from ..images.descriptor import Descriptor
    from ..images.manifest import Manifest
    from ..streams import ReadableFile
    from ..transports.docker.tls_details import TlsDetails


class Location(Value):
    """A parsed reference of one transport.

    transport: its name. path: canonical text after `transport:`.
    name: the docker-style name ("host/repo:tag") it denotes or carries, or "".
    """

    transport: str
    path: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.transport}:{self.path}"


class Platform(Value):
    """An OCI platform; empty fields match anything."""

    os: str = "linux"
    architecture: str = ""
    variant: str = ""


class TransportSettings(Value):
    """What a client says about one end of a copy (podman's and skopeo's flags).

    tls_verify: None: as registries.conf says, with loopback hosts allowed plain HTTP as a fallback.
    credentials: (user, password), ("<token>", identity token), or None: from the auth files.
    cert_dir, auth_file: override the usual places. temporary: directory for large temporaries.
    tls_details: what versions, ciphers and groups TLS may use; None: what is usual.
    retries: how often a request that failed for a passing reason is made again. retry_delay:
    seconds before the first of these, doubled for each after it. None: as is configured, else
    3 and 0.5.
    """

    tls_verify: bool | None = None
    credentials: tuple[str, str] | None = None
    bearer_token: str = ""
    auth_file: Path | None = None
    cert_dir: Path | None = None
    tls_details: TlsDetails | None = None
    temporary: Path | None = None
    platform: Platform = Platform()
    options: Mapping[str, Any] = EMPTY
    retries: int | None = None
    retry_delay: float | None = None


class ManifestBytes(Value):
    """A manifest as it is stored: the exact bytes and their media type."""

    data: bytes
    media_type: str


class _Closing(ABC):  # noqa: B024 (the abstract parts are in its heirs)
    def close(self) -> None:  # noqa: B027 (nothing to close is right)
        """Release connections and files; a destination not committed is discarded."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class ImageSource(_Closing):
    """An image opened for reading."""

    location: Location

    @abstractmethod
    def manifest(self, digest: str = "") -> ManifestBytes:
        """The top manifest (may be an index), or the one with this digest."""

    @abstractmethod
    def blob(self, descriptor: Descriptor, offset: int = 0) -> ReadableFile:
        """Open a blob for reading from `offset`. The caller closes it and checks the digest."""

    def part(self, descriptor: Descriptor, offset: int, size: int) -> ReadableFile:
        """Open a blob for reading `size` bytes from `offset`: nobody reads more.

        Raises RegistryError where all that is before would have to be fetched.
        """
        return self.blob(descriptor, offset)

    def tags(self) -> Sequence[str]:
        """All tags of the repository. Raises NotSupported where there is no such thing."""
        from ..errors import NotSupported

        raise NotSupported(f"{self.location.transport}: has no tags")

    def referrers(self, digest: str, artifact_type: str = "") -> Sequence[Descriptor]:
        """Manifests whose subject is the manifest `digest`, of one artifact type or all.

        None where a transport keeps no such thing.
        """
        return ()

    def signatures(self, digest: str = "") -> Sequence[bytes]:
        """Signatures of the top manifest, or of an instance, as they are stored (`trust.stored`).

        None where a transport keeps no such thing. They may be of anybody: see `core.trust`.
        """
        return ()


class ImageDestination(_Closing):
    """A place an image is written to, in this order: blobs (any, in parallel),
    manifests of instances, the top manifest, `commit`.

    accepts: media types of manifests it can hold, best first; () for all.
    compress: whether layers should be compressed by the engine ("gzip"), kept ("") or
        unpacked ("uncompressed"; docker-archive) before `put_blob`.
    """

    location: Location
    accepts: ClassVar[tuple[str, ...]] = ()
    compress: ClassVar[str] = ""

    def expect(self, manifest: Manifest, config: bytes) -> None:
        """Told before the blobs of an image: its layers in order, and its config.

        A layer's digest is "" where its bytes will change on the way.
        """

    def known(self, descriptor: Descriptor) -> bytes | None:
        """The bytes of a small blob (a config) that is there already, to save asking for it."""
        return None

    @abstractmethod
    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the blob is there already, or could be linked or mounted there now."""

    def assembled(self, descriptor: Descriptor, source: ImageSource) -> ReadableFile | None:
        """The bytes of a blob put together from what is there and parts of the source, to be
        given to `put_blob`; None to read it whole. They may be wrong: then it is read whole.
        """
        return None

    @abstractmethod
    def put_blob(self, descriptor: Descriptor, stream: ReadableFile) -> Descriptor:
        """Store a blob, reading `stream` to its end.

        An empty `descriptor.digest` or size -1 means not known before: the destination
        finds them out. Returns the descriptor with both known.
        """

    @abstractmethod
    def put_manifest(self, manifest: ManifestBytes, digest: str = "") -> None:
        """Store the top manifest, or with `digest` the manifest of an instance of an index."""

    def put_signatures(self, signatures: Sequence[bytes], digest: str = "") -> None:
        """Store signatures of the top manifest, or of an instance, before `commit`.

        Raises NotSupported where a transport keeps no such thing.
        """
        from ..errors import NotSupported

        raise NotSupported(
            f"{self.location.transport}: cannot hold signatures", remedy="Use --remove-signatures."
        )

    @abstractmethod
    def commit(self) -> None: ...

    def another(self, location: Location) -> ImageDestination:
        """A destination for one more image in the same archive file.

        Asked for before the first `commit`. The file appears, with all of them, when
        each has been committed; closing this one without that discards all. Raises
        NotSupported where a place holds one image, or where images are written one
        after another anyway.
        """
        from ..errors import NotSupported

        raise NotSupported(f"{self.location.transport}: takes one image at a time")


class ImageTransport(ABC):
    """Base of all transports. Constructed as `Transport()`; settings come with each call."""

    contract_version: ClassVar[int] = 1
    name: ClassVar[str]

    @abstractmethod
    def parse(self, text: str) -> Location:
        """Parse what follows `name:`. Raises InvalidArgument saying what form is expected."""

    @abstractmethod
    def source(self, location: Location, settings: TransportSettings) -> ImageSource: ...

    @abstractmethod
    def destination(self, location: Location, settings: TransportSettings) -> ImageDestination: ...

    def delete(self, location: Location, settings: TransportSettings) -> None:
        from ..errors import NotSupported

        raise NotSupported(f"{self.name}: images cannot be deleted there")

    def siblings(self, location: Location, settings: TransportSettings) -> Sequence[str]:
        """Other tags that mean the same manifest, which `delete` would take away too."""
        return ()

    def tags(self, location: Location, settings: TransportSettings) -> Sequence[str]:
        from ..errors import NotSupported

        raise NotSupported(f"{self.name}: has no tags")
