"""The docker transport: parsing, opening, deleting, listing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...contracts.transport import ImageTransport, Location
from ...errors import Corrupt, InvalidArgument, NotFound
from ...images import reference as references
from ...images.manifest import ACCEPTED
from .client import Client
from .credentials import Credentials, find
from .destination import DockerDestination
from .endpoint import endpoint
from .source import DockerSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...contracts.transport import ImageDestination, ImageSource, TransportSettings
    from ...images.reference import Reference

_MOST_PAGES = 10_000


class DockerTransport(ImageTransport):
    """`docker://host/repository[:tag][@digest]`."""

    name = "docker"

    def parse(self, text: str) -> Location:
        if not text.startswith("//"):
            raise InvalidArgument(f"docker:{text}: expected docker://host/repository[:tag|@digest]")
        reference = references.parse(text[2:]).tagged()
        return Location("docker", f"//{reference}", str(reference))

    def source(self, location: Location, settings: TransportSettings) -> ImageSource:
        reference = references.parse(location.path[2:]).tagged()
        return DockerSource(location, reference, _client(reference, settings))

    def destination(self, location: Location, settings: TransportSettings) -> ImageDestination:
        reference = references.parse(location.path[2:]).tagged()
        return DockerDestination(location, reference, _client(reference, settings), settings)

    def delete(self, location: Location, settings: TransportSettings) -> None:
        reference = references.parse(location.path[2:]).tagged()
        client = _client(reference, settings)
        try:
            client.request(
                "DELETE",
                f"{reference.path}/manifests/{_digest(client, reference)}",
                scope=f"repository:{reference.path}:*",
                expect=(200, 202),
            ).release_conn()
        finally:
            client.close()

    def tags(self, location: Location, settings: TransportSettings) -> Sequence[str]:
        reference = references.parse(location.path[2:])
        client = _client(reference, settings)
        try:
            return list_tags(client, reference)
        finally:
            client.close()


def _client(reference: Reference, settings: TransportSettings) -> Client:
    credentials: Credentials | None = None
    if settings.credentials is not None:
        credentials = Credentials(*settings.credentials)
    elif not settings.bearer_token:
        file = str(settings.auth_file) if settings.auth_file else ""
        credentials = find(reference.host, reference.path, file)
    return Client(endpoint(reference.host, settings), settings, credentials)


def _digest(client: Client, reference: Reference) -> str:
    if reference.digest:
        return reference.digest
    response = client.request(
        "HEAD",
        f"{reference.path}/manifests/{reference.tag}",
        scope=f"repository:{reference.path}:pull",
        headers={"Accept": ", ".join(ACCEPTED)},
    )
    response.release_conn()
    digest = response.headers.get("Docker-Content-Digest", "")
    if not digest:
        raise NotFound(f"{reference}: the registry does not tell its digest")
    return str(digest)


def list_tags(client: Client, reference: Reference) -> list[str]:
    """All tags of a repository, page by page (distribution-spec, listing tags)."""
    tags: list[str] = []
    path = f"{reference.path}/tags/list"
    for _ in range(_MOST_PAGES):
        response = client.request("GET", path, scope=f"repository:{reference.path}:pull")
        data = response.read(16 << 20) or b""
        link = response.headers.get("Link", "")
        response.release_conn()
        try:
            tags += [str(tag) for tag in json.loads(data).get("tags") or ()]
        except (ValueError, AttributeError, TypeError):
            raise Corrupt(f"{reference.repository}: the tag list is not JSON") from None
        if 'rel="next"' not in link:
            return tags
        path = link.partition("<")[2].partition(">")[0].partition("/v2/")[2]
    return tags
