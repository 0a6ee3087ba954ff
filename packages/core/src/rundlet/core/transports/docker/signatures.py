"""Signatures of the images of a registry: by its extension for them or in a lookaside store the
simple ones, and beside the image those of sigstore.

The extension is containers/image's signature-protocols.md, "X-Registry-Supports-Signatures".
"""

from __future__ import annotations

import base64
import json
import os

from ...errors import Corrupt, NotFound, NotSupported
from ...trust import lookaside, registries_d, simple
from ...trust.stored import is_simple
from . import failures
from .response import HTTPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...contracts.transport import Location, TransportSettings
    from ...images.descriptor import Descriptor
    from ...images.reference import Reference
    from .client import Client

_ATOMIC = "atomic"
_LARGEST = 2 * lookaside.WHOLE
"""Bytes of the extension's answer: all signatures of an image, in base64."""


class Signatures:
    """The signatures of the images in one repository.

    location: what the user named, which registries.d speaks of (never of a mirror).
    """

    def __init__(self, location: Location, settings: TransportSettings, named: Reference) -> None:
        self._location = location
        self._settings = settings
        self._named = named
        self._stores: registries_d.Stores | None = None

    @property
    def stores(self) -> registries_d.Stores:
        """What registries.d says of the image. Raises SettingsError."""
        if self._stores is None:
            given = str(self._settings.options.get("registries_d") or "")
            said = registries_d.load(given) if given else registries_d.RegistriesD()
            self._stores = said.stores(self._location)
        return self._stores

    def read(self, client: Client, reference: Reference, digest: str) -> list[bytes]:
        """All signatures of a manifest, of whomever. reference: where it was read."""
        if client.keeps_signatures:
            found = [data for data, _ in _extension(client, reference, digest)]
        else:
            found = lookaside.read(self.stores.read or lookaside.usual(), self._named, digest)
        if self.stores.attachments:
            from .attachments import Attachments

            found += Attachments(client, reference, self._settings).read(digest)
        return found

    def check(self, signatures: Sequence[bytes]) -> None:
        """Raise NotSupported where there is no place for one of these."""
        if all(map(is_simple, signatures)):
            return
        if not self.stores.by_tag:
            raise NotSupported(
                f"{self._location}: sigstore signatures are not written as referrers",
                remedy="Set sigstore-attachments-write: cosign-tag in registries.d.",
            )
        if not self.stores.attachments:
            raise NotSupported(
                f"{self._location}: sigstore signatures are not written to this registry",
                remedy="Set use-sigstore-attachments in registries.d, or use --remove-signatures.",
            )

    def write(
        self, client: Client, reference: Reference, subject: Descriptor, signatures: Sequence[bytes]
    ) -> None:
        """Let these be the signatures of a manifest (those of sigstore: among others)."""
        simple_ones = [one for one in signatures if is_simple(one)]
        others = [one for one in signatures if not is_simple(one)]
        if others:
            from .attachments import Attachments

            Attachments(client, reference, self._settings).write(subject, others)
        if simple_ones and client.keeps_signatures:
            _extend(client, reference, subject.digest, simple_ones)
        elif simple_ones:
            base = self.stores.write or lookaside.usual()
            lookaside.write(base, self._named, subject.digest, simple_ones)

    def removed(self, digest: str) -> None:
        """Take away what is in the store of a manifest that was deleted."""
        lookaside.remove(self.stores.write or lookaside.usual(), self._named, digest)


def _url(client: Client, reference: Reference, digest: str) -> str:
    return f"{client.base}/extensions/v2/{reference.path}/signatures/{digest}"


def _extension(client: Client, reference: Reference, digest: str) -> list[tuple[bytes, str]]:
    """The simple signatures that a registry keeps of a manifest, with their names."""
    what = f"{reference.repository}: signatures of {digest}"
    try:
        response = client.request(
            "GET", _url(client, reference, digest), scope=f"repository:{reference.path}:pull"
        )
        data = response.read_all(_LARGEST + 1)
    except NotFound:
        return []
    except HTTPError as error:
        raise failures.unreachable(what, error) from None
    if len(data) > _LARGEST:
        raise Corrupt(f"{what}: larger than {_LARGEST} bytes")
    try:
        listed = json.loads(data)["signatures"] or []
        found = [
            (base64.b64decode(one["content"], validate=True), str(one["name"]))
            for one in listed
            if one["schemaVersion"] == 2 and one["type"] == _ATOMIC
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Corrupt(f"{what}: not what they should be") from None
    if len(found) > lookaside.MOST or any(len(one) > simple.LARGEST for one, _ in found):
        raise Corrupt(f"{what}: there are too many, or too large ones")
    return found


def _extend(client: Client, reference: Reference, digest: str, signatures: Sequence[bytes]) -> None:
    """Add signatures to those that a registry keeps of a manifest."""
    known = {data for data, _ in _extension(client, reference, digest)}
    for signature in signatures:
        if signature in known:
            continue
        document = {
            "schemaVersion": 2,
            "name": f"{digest}@{os.urandom(16).hex()}",
            "type": _ATOMIC,
            "content": base64.b64encode(signature).decode(),
        }
        client.request(
            "PUT",
            _url(client, reference, digest),
            scope=f"repository:{reference.path}:pull,push",
            headers={"Content-Type": "application/json"},
            body=json.dumps(document).encode(),
            expect=(200, 201),
        ).drain()
