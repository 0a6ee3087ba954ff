"""Finding repositories in a registry: Docker Hub's search, and the catalog of all others.

Docker's `/v1/search` knows descriptions and stars; what the distribution project calls the
catalog has names only, and many registries keep it to themselves.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from ...errors import Corrupt, InvalidArgument, RegistryError
from ...images import reference as references
from ...images import registries_conf
from ...value import Value
from . import failures
from .client import Client
from .credentials import Credentials, find, given
from .endpoint import endpoint
from .pages import names
from .response import HTTPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...contracts.transport import TransportSettings

_HUB = "docker.io"
_HUB_SEARCH = "https://index.docker.io/v1/search"
_LARGEST = 8 << 20


class Found(Value):
    """A repository. index: the registry. name: "host/path"."""

    index: str
    name: str
    description: str = ""
    stars: int = 0
    official: bool = False
    automated: bool = False


def search(host: str, term: str, limit: int, settings: TransportSettings) -> Sequence[Found]:
    """Repositories of a registry whose name contains a term; at most `limit` of them.

    An empty term finds all. Raises RegistryError, Unauthorized, InvalidArgument for a host
    that is none.
    """
    client = _client(host, settings)
    try:
        if host == _HUB:
            return list(_indexed(client, term, limit))
        return list(_catalogued(client, host, term, limit))
    finally:
        client.close()


def _client(host: str, settings: TransportSettings) -> Client:
    conf = registries_conf.load(str(settings.options.get("registries_conf", "")))
    try:
        named = references.parse(f"{host}/any").tagged()
    except InvalidArgument:
        raise InvalidArgument(f"{host!r} is no registry") from None
    place = conf.own_place(named)
    credentials: Credentials | None = None
    if settings.credentials is not None:
        credentials = given(*settings.credentials)
    elif not settings.bearer_token:
        file = str(settings.auth_file) if settings.auth_file else ""
        credentials = find(place.reference.host, "", file, conf.helpers)
    where = endpoint(place.reference.host, settings, insecure=place.insecure, proxy=place.proxy)
    return Client(where, settings, credentials)


def _indexed(client: Client, term: str, limit: int) -> Iterator[Found]:
    if not term:
        raise InvalidArgument(f"{_HUB} has no list of all images: a term is needed")
    query = urlencode({"q": term, "n": limit})
    response = client.request("GET", f"{_HUB_SEARCH}?{query}", scope="")
    try:
        data = response.read_all(_LARGEST)
    except HTTPError as error:
        raise failures.unreachable(f"searching {_HUB}", error) from None
    try:
        results = json.loads(data)["results"]
        for one in results[:limit]:
            name = str(one["name"])
            yield Found(
                index=_HUB,
                name=f"{_HUB}/{name}" if "/" in name else f"{_HUB}/library/{name}",
                description=str(one.get("description") or ""),
                stars=int(one.get("star_count") or 0),
                official=bool(one.get("is_official")),
                automated=bool(one.get("is_automated")),
            )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Corrupt(f"{_HUB}: the search result is not what it should be") from None


def _catalogued(client: Client, host: str, term: str, limit: int) -> Iterator[Found]:
    what = f"{host}: the catalog"
    try:
        left = limit
        for path in names(
            client, "_catalog?n=1000", "repositories", scope="registry:catalog:*", what=what
        ):
            if left <= 0:
                return
            if term in path:
                left -= 1
                yield Found(index=host, name=f"{host}/{path}")
    except failures.MissingInRegistry as error:
        raise RegistryError(f"{host} cannot be searched: it has no catalog") from error
