"""Lists that a registry gives page by page (distribution-spec, "Listing Tags"; catalog)."""

from __future__ import annotations

import json
from urllib.parse import urljoin

from ...errors import Corrupt
from . import failures
from .response import HTTPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .client import Client

_MOST_PAGES = 10_000
_LARGEST_PAGE = 32 << 20


def names(client: Client, path: str, key: str, *, scope: str, what: str) -> Iterator[str]:
    """The names in the list `key` of every page, each once, in the registry's order.

    path: below /v2/. what: of errors ("localhost:5000/busybox: the tag list"). Ends where a
    page brings nothing new. Raises NotFound, Corrupt, RegistryError.
    """
    seen: set[str] = set()
    url = client.url(path)
    for _ in range(_MOST_PAGES):
        response = client.request("GET", url, scope=scope)
        try:
            data = response.read_all(_LARGEST_PAGE)
        except HTTPError as error:
            raise failures.unreachable(what, error) from None
        fresh = [name for name in dict.fromkeys(_page(data, key, what)) if name not in seen]
        yield from fresh
        seen.update(fresh)
        link = response.headers.get("Link", "")
        if 'rel="next"' not in link or not fresh:
            return
        url = urljoin(url, link.partition("<")[2].partition(">")[0])
        if not url.startswith(f"{client.base}/v2/"):
            raise Corrupt(f"{what} goes on at another server")


def _page(data: bytes, key: str, what: str) -> list[str]:
    try:
        return [str(name) for name in json.loads(data)[key] or ()]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Corrupt(f"{what} is not what it should be") from None
