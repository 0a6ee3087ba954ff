"""The tags of a repository, page by page (distribution-spec, "Listing Tags")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from urllib3.exceptions import HTTPError

from ...errors import Corrupt
from . import failures

if TYPE_CHECKING:
    from ...images.reference import Reference
    from .client import Client

_MOST_PAGES = 10_000
_LARGEST_PAGE = 32 << 20


def list_tags(client: Client, reference: Reference) -> list[str]:
    """All tags, in the registry's order. Raises NotFound, Corrupt, RegistryError."""
    tags: dict[str, None] = {}
    path = client.url(f"{reference.path}/tags/list")
    for _ in range(_MOST_PAGES):
        response = client.request("GET", path, scope=f"repository:{reference.path}:pull")
        try:
            data = response.read(_LARGEST_PAGE) or b""
        except HTTPError as error:
            raise failures.unreachable(f"listing tags of {reference.repository}", error) from None
        response.release_conn()
        page = _page(data, reference)
        known = len(tags)
        tags.update(dict.fromkeys(page))
        link = response.headers.get("Link", "")
        if 'rel="next"' not in link or len(tags) == known:
            return list(tags)
        following = urljoin(path, link.partition("<")[2].partition(">")[0])
        if not following.startswith(f"{client.base}/v2/"):
            raise Corrupt(f"{reference.repository}: the tag list goes on at another server")
        path = following
    return list(tags)


def _page(data: bytes, reference: Reference) -> list[str]:
    try:
        return [str(tag) for tag in json.loads(data)["tags"] or ()]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Corrupt(f"{reference.repository}: the tag list is not what it should be") from None
