"""The docker transport: parsing, opening, deleting, listing."""

from __future__ import annotations

from ...content.locations import KnownLocations
from ...contracts.transport import ImageTransport, Location
from ...errors import InvalidArgument, NoSuchImage, NotFound
from ...images import reference as references
from ...images import registries_conf
from ...images.manifest import ACCEPTED
from .client import Client
from .credentials import Credentials, find, given
from .destination import DockerDestination
from .endpoint import endpoint
from .failures import MissingInRegistry
from .signatures import Signatures
from .source import DockerSource
from .tags import list_tags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...contracts.transport import ImageDestination, ImageSource, TransportSettings
    from ...images.reference import Reference
    from ...images.registries import Place, RegistriesConf


_PARALLEL = 8


class DockerTransport(ImageTransport):
    """`docker://host/repository[:tag][@digest]`.

    Of `TransportSettings.options` it knows: registries_conf, registries_d (paths), certs_dirs,
    blob_locations ({digest: ["host/repository", ...]} or `KnownLocations`, to mount blobs
    from), stall (seconds of silence after which a registry has failed), upload_chunk (bytes of
    a request when a blob is uploaded in pieces; 0: in one).
    """

    name = "docker"

    def parse(self, text: str) -> Location:
        if not text.startswith("//"):
            raise InvalidArgument(f"docker:{text}: expected docker://host/repository[:tag|@digest]")
        reference = references.parse(text[2:]).tagged()
        return Location("docker", f"//{reference}", str(reference))

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        named, conf = _reference(location), _conf(settings)
        known = settings.options.get("blob_locations")
        return DockerSource(
            location,
            [
                (place.reference, _client(place, settings, named, conf))
                for place in conf.places(named)
            ],
            known if isinstance(known, KnownLocations) else None,
            Signatures(location, settings, named),
        )

    def destination(self, location: Location, settings: TransportSettings) -> ImageDestination:
        place, client = _own(location, settings)
        signatures = Signatures(location, settings, _reference(location))
        return DockerDestination(location, place.reference, client, settings, signatures)

    def delete(self, location: Location, settings: TransportSettings) -> None:
        """Delete the manifest, with every tag that points to it. Raises NoSuchImage."""
        place, client = _own(location, settings)
        reference = place.reference
        try:
            digest = reference.digest or _digest(client, reference)
            client.request(
                "DELETE",
                f"{reference.path}/manifests/{digest}",
                scope=f"repository:{reference.path}:*",
                expect=(200, 202),
            ).drain()
            Signatures(location, settings, _reference(location)).removed(digest)
        except MissingInRegistry as error:
            raise NoSuchImage(str(reference)) from error
        finally:
            client.close()

    def siblings(self, location: Location, settings: TransportSettings) -> Sequence[str]:
        """Other tags of the repository that mean the same manifest. Raises NoSuchImage."""
        from concurrent.futures import ThreadPoolExecutor

        place, client = _own(location, settings)
        reference = place.reference
        try:
            wanted = reference.digest or _digest(client, reference)
            others = [tag for tag in list_tags(client, reference) if tag != reference.tag]
            with ThreadPoolExecutor(_PARALLEL) as pool:
                found = pool.map(
                    lambda tag: _digest_or_none(client, reference.replace(tag=tag, digest="")),
                    others,
                )
                return [tag for tag, digest in zip(others, found, strict=True) if digest == wanted]
        except MissingInRegistry as error:
            raise NoSuchImage(str(reference)) from error
        finally:
            client.close()

    def tags(self, location: Location, settings: TransportSettings) -> Sequence[str]:
        place, client = _own(location, settings)
        try:
            return list_tags(client, place.reference)
        finally:
            client.close()


def _reference(location: Location) -> Reference:
    return references.parse(location.path[2:]).tagged()


def _conf(settings: TransportSettings) -> RegistriesConf:
    return registries_conf.load(str(settings.options.get("registries_conf", "")))


def _own(location: Location, settings: TransportSettings) -> tuple[Place, Client]:
    """A name itself, whatever stands in for it when an image is read."""
    named, conf = _reference(location), _conf(settings)
    place = conf.own_place(named)
    return place, _client(place, settings, named, conf)


def _client(
    place: Place,
    settings: TransportSettings,
    named: Reference,
    conf: RegistriesConf,
) -> Client:
    """A client for a place. What was given on the command line is for the registry that
    was named, not for its mirrors or for where registries.conf leads elsewhere.
    """
    reference = place.reference
    credentials: Credentials | None = None
    if reference.host != named.host:
        settings = settings.replace(credentials=None, bearer_token="")
    if settings.credentials is not None:
        user, password = settings.credentials
        credentials = given(user, password) if user or password else None
    elif not settings.bearer_token:
        file = str(settings.auth_file) if settings.auth_file else ""
        credentials = find(reference.host, reference.path, file, conf.helpers)
    where = endpoint(reference.host, settings, insecure=place.insecure, proxy=place.proxy)
    return Client(where, settings, credentials)


def _digest_or_none(client: Client, reference: Reference) -> str:
    """ "" for a tag that is gone meanwhile."""
    try:
        return _digest(client, reference)
    except NotFound:
        return ""


def _digest(client: Client, reference: Reference) -> str:
    response = client.request(
        "HEAD",
        f"{reference.path}/manifests/{reference.tag}",
        scope=f"repository:{reference.path}:pull",
        headers={"Accept": ", ".join(ACCEPTED)},
    )
    response.drain()
    digest = response.headers.get("Docker-Content-Digest", "")
    if not digest:
        raise NoSuchImage(f"{reference} (the registry does not tell its digest)")
    return str(digest)
