"""What refers to a manifest: signatures, SBOMs, attestations (distribution-spec 1.1,
"Listing Referrers" and "Unavailable Referrers API").

A registry without that interface keeps an index under the tag `ALGORITHM-HEX` of the
manifest, which whoever pushes something with a `subject` maintains.
"""

from __future__ import annotations

import json
from urllib.parse import quote, urljoin

from ...contracts.transport import ManifestBytes
from ...errors import Corrupt, InvalidArgument
from ...images import manifest as manifests
from ...images.descriptor import Descriptor, digest_parts
from . import failures
from .response import HTTPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...images.reference import Reference
    from .client import Client
    from .response import Response

_MOST_PAGES = 200
_NO_INTERFACE = (400, 404, 405, 501)
"""How registries say that they have none: 404 as specified, the others as older ones do."""


def list_referrers(
    client: Client, reference: Reference, digest: str, artifact_type: str = "", *, most: int = 0
) -> list[Descriptor]:
    """Descriptors of the manifests whose subject is `digest`, of one artifact type or all.

    most: how many there may be of all types, 0 for any number. Raises Corrupt, RegistryError.
    """
    query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
    path = client.url(f"{reference.path}/referrers/{digest}{query}")
    found: dict[str, Descriptor] = {}
    for _ in range(_MOST_PAGES):
        response = client.request(
            "GET", path, scope=_scope(reference), expect=(200, *_NO_INTERFACE)
        )
        if response.status != 200:
            response.drain()
            return _chosen(_checked(tagged(client, reference, digest), most, reference),
                           artifact_type)  # fmt: skip
        link = response.headers.get("Link", "")
        page = {item.digest: item for item in _index(response, reference)}
        fresh = page.keys() - found.keys()
        found.update(page)
        listed = _checked(list(found.values()), most, reference)
        if 'rel="next"' not in link or not fresh:
            return _chosen(listed, artifact_type)
        path = urljoin(path, link.partition("<")[2].partition(">")[0])
        if not path.startswith(f"{client.base}/v2/"):
            raise Corrupt(f"{reference.repository}: the referrers go on at another server")
    raise Corrupt(f"{reference.repository}: the referrers do not end: {_MOST_PAGES} pages")


def _checked(found: list[Descriptor], most: int, reference: Reference) -> list[Descriptor]:
    if most and len(found) > most:
        raise Corrupt(f"{reference.repository}: more than {most} referrers of a manifest")
    return found


def tagged(client: Client, reference: Reference, digest: str) -> list[Descriptor]:
    """The referrers in the index of the fallback tag; none where there is no such tag."""
    try:
        response = client.request(
            "GET",
            f"{reference.path}/manifests/{_tag(digest)}",
            scope=_scope(reference),
            headers={"Accept": manifests.OCI_INDEX},
        )
    except failures.MissingInRegistry:
        return []
    return _index(response, reference)


def add_tagged(client: Client, reference: Reference, manifest: ManifestBytes, digest: str) -> None:
    """Put a manifest into the index of its subject's fallback tag, if it has a subject."""
    document = json.loads(manifest.data)
    subject = document.get("subject")
    if not isinstance(subject, dict):
        return
    wanted = manifests.descriptor(subject)
    entry = {
        "mediaType": manifest.media_type,
        "digest": digest,
        "size": len(manifest.data),
        "artifactType": _artifact_type(document),
        **({"annotations": document["annotations"]} if document.get("annotations") else {}),
    }
    there = [item for item in tagged(client, reference, wanted.digest) if item.digest != digest]
    index = {
        "schemaVersion": 2,
        "mediaType": manifests.OCI_INDEX,
        "manifests": [
            *map(_as_entry, there),
            {key: value for key, value in entry.items() if value},
        ],
    }
    client.request(
        "PUT",
        f"{reference.path}/manifests/{_tag(wanted.digest)}",
        scope=f"repository:{reference.path}:pull,push",
        headers={"Content-Type": manifests.OCI_INDEX},
        body=json.dumps(index, separators=(",", ":")).encode(),
        expect=(200, 201, 202),
    ).drain()


def _artifact_type(document: dict[str, Any]) -> str:
    """distribution-spec: the manifest's own, else its config's media type."""
    config = document.get("config") or {}
    return str(document.get("artifactType") or config.get("mediaType") or "")


def _as_entry(item: Descriptor) -> dict[str, Any]:
    found = manifests.as_object(item)
    if item.artifact_type:
        found["artifactType"] = item.artifact_type
    return found


def _chosen(found: list[Descriptor], artifact_type: str) -> list[Descriptor]:
    """A registry may leave the filter to us."""
    return [item for item in found if artifact_type in ("", item.artifact_type)]


def _index(response: Response, reference: Reference) -> list[Descriptor]:
    try:
        data = response.read_all(manifests.LARGEST + 1)
    except HTTPError as error:
        raise failures.unreachable(f"listing referrers in {reference}", error) from None
    try:
        parsed = manifests.parse(data, manifests.OCI_INDEX)
    except InvalidArgument as error:
        raise Corrupt(f"{reference.repository}: referrers: {error.message}") from None
    if not isinstance(parsed, manifests.Index):
        raise Corrupt(f"{reference.repository}: the referrers are not an index")
    return list(parsed.manifests)


def _scope(reference: Reference) -> str:
    return f"repository:{reference.path}:pull"


def _tag(digest: str) -> str:
    """At most 128 characters of a tag: the algorithm's name and 64 of its digits."""
    algorithm, encoded = digest_parts(digest)
    return f"{algorithm[:32]}-{encoded[:64]}"
