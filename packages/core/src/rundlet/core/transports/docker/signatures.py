"""Signatures of the images of a registry: in a lookaside store, by the registry's extension for
them, and beside the image as cosign attaches them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import NotSupported
from ...trust import lookaside, registries_d
from ...trust.stored import is_simple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...contracts.transport import Location, TransportSettings
    from ...images.reference import Reference
    from .client import Client


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
            self._stores = registries_d.load(given).stores(self._location) if given else (
                registries_d.Stores()
            )  # fmt: skip
        return self._stores

    def read(self, client: Client, reference: Reference, digest: str) -> list[bytes]:
        """All signatures of a manifest, of whomever. reference: where it was read."""
        return lookaside.read(self.stores.read or lookaside.usual(), self._named, digest)

    def check(self, signatures: Sequence[bytes]) -> None:
        """Raise NotSupported where there is no place for one of these."""
        if not self.stores.attachments and not all(map(is_simple, signatures)):
            raise NotSupported(
                f"{self._location}: sigstore signatures are not written to this registry",
                remedy="Set use-sigstore-attachments in registries.d, or use --remove-signatures.",
            )

    def write(
        self, client: Client, reference: Reference, digest: str, signatures: Sequence[bytes]
    ) -> None:
        """Let these be the signatures of a manifest (those of sigstore: among others)."""
        simple = [one for one in signatures if is_simple(one)]
        if simple:
            lookaside.write(self.stores.write or lookaside.usual(), self._named, digest, simple)

    def removed(self, digest: str) -> None:
        """Take away what is in the store of a manifest that was deleted."""
        lookaside.remove(self.stores.write or lookaside.usual(), self._named, digest)
