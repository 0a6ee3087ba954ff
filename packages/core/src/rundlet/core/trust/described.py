"""What a trust policy says, as rows for people (podman-image-trust(1), `show`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import RundletError
from ..value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .policy import Policy, Requirement
    from .registries_d import RegistriesD

_WORDS = {"insecureAcceptAnything": "accept", "signedBy": "signed"}


class Row(Value):
    """A requirement of a scope. transport: podman says "repository" for docker. ids: whose keys
    are wanted. store: of signatures, as registries.d says.
    """

    transport: str
    name: str
    scope: str
    kind: str
    ids: str = ""
    store: str = ""

    def document(self) -> dict[str, Any]:
        """With podman's keys in JSON."""
        found = {
            "transport": self.transport,
            "name": self.name,
            "repo_name": self.scope,
            "sigstore": self.store,
            "type": self.kind,
            "gpg_id": self.ids,
        }
        return {key: value for key, value in found.items() if value}


def rows(policy: Policy, registries: RegistriesD) -> Sequence[Row]:
    """All requirements: those of all images first, then by transport and scope."""
    store = _store(registries.default)
    found = [_row(one, "all", "* (default)", "default", store) for one in policy.default]
    for transport, scopes in sorted(policy.transports.items()):
        shown = "repository" if transport == "docker" else transport
        for scope, requirements in sorted(scopes.items()):
            store = _store_of(registries, scope) if transport == "docker" else ""
            found += [_row(one, shown, scope, scope, store) for one in requirements]
    return found


def _store_of(registries: RegistriesD, scope: str) -> str:
    """The store of the nearest namespace at or above a scope that registries.d speaks of."""
    while scope not in registries.scopes and "/" in scope:
        scope = scope.rpartition("/")[0]
    return _store(registries.scopes.get(scope, registries.default))


def _store(said: Any) -> str:
    return str(said.get("lookaside") or said.get("sigstore") or "")


def _row(requirement: Requirement, transport: str, name: str, scope: str, store: str) -> Row:
    ids = ""
    if requirement.kind == "signedBy":
        ids = ", ".join(_ids(requirement))
    elif requirement.kind == "sigstoreSigned":
        ids = "N/A"
    kind = _WORDS.get(requirement.kind, requirement.kind)
    return Row(transport, name, scope, kind, ids, store)


def _ids(requirement: Requirement) -> list[str]:
    """Mail addresses or names of the keys; what cannot be read has none."""
    from .gpg import user_ids

    found = []
    for path in requirement.keys.paths:
        try:
            with open(path, "rb") as file:
                found += user_ids(file.read())
        except (OSError, RundletError):
            continue
    for data in requirement.keys.data:
        found += user_ids(data)
    return found
