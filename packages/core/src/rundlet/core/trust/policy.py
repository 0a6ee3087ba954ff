"""policy.json: what is required of an image before it is used (containers-policy.json(5)).

Read strictly: a field that is unknown, missing or there twice makes the file void, and with
it every operation that needs it.
"""

from __future__ import annotations

import json
import os
from functools import partial

from ..errors import InvalidArgument, SettingsError
from ..images import reference as references
from ..settings.shared_files import whole
from ..value import EMPTY, Value
from .policy_fields import Source, obj, source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ..contracts.transport import Location
    from ..settings.snapshot import Settings
    from .sigstore_policy import SigstoreTrust

SYSTEM = "/etc/containers/policy.json"
_LARGEST = 4 << 20
_PATHS = ("dir", "oci", "oci-archive", "sif")
_ONLY_DEFAULT = ("docker-archive", "tarball")
"""Transports whose scopes are paths, and those that have none."""
_IDENTITIES: dict[str, tuple[str, ...]] = {
    "matchExact": (),
    "matchRepoDigestOrExact": (),
    "matchRepository": (),
    "exactReference": ("dockerReference",),
    "exactRepository": ("dockerRepository",),
    "remapIdentity": ("prefix", "signedPrefix"),
    "matchDigest": (),
}
"""matchDigest is Rundlet's own: the digest counts, whatever name was signed (`cosign verify`)."""


class Identity(Value):
    """Which name a signature must claim. values: of the fields that its type has."""

    kind: str = "matchRepoDigestOrExact"
    values: tuple[str, ...] = ()


class Requirement(Value):
    """One thing that is required. kind: its type as it is written. keys: of signedBy.

    sigstore: whose signatures are wanted (sigstoreSigned).
    """

    kind: str
    keys: Source = Source()
    identity: Identity = Identity()
    sigstore: SigstoreTrust | None = None


class Policy(Value):
    """Requirements by transport and scope, and those of all other images.

    signed: whether an image that needs no signature is refused (skopeo's --require-signed).
    """

    default: tuple[Requirement, ...]
    transports: Mapping[str, Mapping[str, tuple[Requirement, ...]]] = EMPTY
    signed: bool = False

    def required(
        self, transport: str, scopes: tuple[str, ...]
    ) -> tuple[tuple[Requirement, ...], str]:
        """What the most specific scope requires, and that scope ("" for a default)."""
        known = self.transports.get(transport, {})
        for scope in (*scopes, ""):
            if scope in known:
                return known[scope], scope
        return self.default, ""


ANYTHING = Policy((Requirement("insecureAcceptAnything"),))
"""The policy of who has none, and of --insecure-policy."""


def path_of(configured: str) -> str:
    """The policy that counts: the one that is configured, else that of CONTAINERS_POLICY_JSON, the
    user's, the administrator's or the vendor's (a path).
    """
    if configured != SYSTEM:
        return configured
    return os.environ.get("CONTAINERS_POLICY_JSON") or whole("policy.json", os.environ)


def configured(settings: Settings) -> Policy:
    """The policy that was asked for, else `path_of`, else one that accepts everything.

    Raises SettingsError for one that is there, or was asked for, but cannot be read.
    """
    if settings.signature_policy:
        return load(settings.signature_policy)
    path = path_of(settings.policy_json)
    return load(path) if os.path.exists(path) else ANYTHING


def guard(policy: Policy, location: Location) -> Callable[[bytes, Sequence[bytes]], None] | None:
    """What `CopyOptions.allow` is for images of a place; None where everything is accepted."""
    if policy == ANYTHING:
        return None
    from .check import allow

    return partial(allow, policy, location)


def load(path: str) -> Policy:
    """The policy of a file. Raises SettingsError naming file and field."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST)
    except OSError as error:
        raise SettingsError(f"cannot read the trust policy {path}: {error.strerror}") from None
    try:
        return parse(data)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"invalid trust policy {path}: {error}") from None
    except InvalidArgument as error:
        raise SettingsError(f"invalid trust policy {path}: {error.message}") from None


def parse(data: bytes) -> Policy:
    """A policy from its text. Raises ValueError and InvalidArgument saying which field is bad."""
    root = obj(json.loads(data, object_pairs_hook=_once), "policy", ("default",),
                   ("transports",))  # fmt: skip
    transports = obj(root.get("transports", {}), "transports", (), None)
    return Policy(
        _requirements(root["default"], "default"),
        {
            name: {
                _scope(name, scope): _requirements(value, f"transports.{name}[{scope!r}]")
                for scope, value in obj(scoped, f"transports.{name}", (), None).items()
            }
            for name, scoped in transports.items()
        },
    )


def _scope(transport: str, scope: str) -> str:
    """The scope, if it may be one of a transport. Raises ValueError."""
    if scope and transport in _ONLY_DEFAULT:
        raise ValueError(f"transports.{transport}: {scope!r}: only the scope '' is there")
    if scope and transport in _PATHS and (scope == "/" or os.path.abspath(scope) != scope):
        raise ValueError(
            f"transports.{transport}: {scope!r}: expected an absolute path, or '' for all"
        )
    return scope


def _requirements(value: Any, where: str) -> tuple[Requirement, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{where}: expected a list of requirements that is not empty")
    return tuple(_requirement(item, f"{where}[{number}]") for number, item in enumerate(value))


def _requirement(value: Any, where: str) -> Requirement:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in ("insecureAcceptAnything", "reject"):
        obj(value, where, ("type",), ())
        return Requirement(kind)
    if kind == "signedBy":
        found = obj(value, where, ("type", "keyType"),
                        ("keyPath", "keyPaths", "keyData", "signedIdentity"))  # fmt: skip
        if found["keyType"] != "GPGKeys":
            raise ValueError(f"{where}.keyType: expected GPGKeys")
        keys = source(found, where, "keyPath", "keyPaths", "keyData")
        return Requirement(kind, keys, _identity(found, where))
    if kind == "sigstoreSigned":
        from .sigstore_policy import FIELDS, trust

        found = obj(value, where, ("type",), FIELDS)
        return Requirement(kind, Source(), _identity(found, where), trust(found, where))
    if kind == "signedBaseLayer":  # reserved: it may be written, and refuses every image
        found = obj(value, where, ("type", "baseLayerIdentity"), ())
        return Requirement(kind, Source(), _identity(found, where, "baseLayerIdentity"))
    raise ValueError(f"{where}.type: unknown requirement {kind!r}")


def _identity(found: dict[str, Any], where: str, field: str = "signedIdentity") -> Identity:
    if field not in found:
        return Identity()
    where = f"{where}.{field}"
    value = found[field]
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in _IDENTITIES:
        raise ValueError(f"{where}.type: unknown identity {kind!r}")
    fields = _IDENTITIES[kind]
    given = obj(value, where, ("type", *fields), ())
    values = tuple(given[field] for field in fields)
    if not all(isinstance(text, str) and text for text in values):
        raise ValueError(f"{where}: expected text in {', '.join(fields)}")
    if kind in ("exactReference", "exactRepository"):
        named = references.parse(values[0])
        if (kind == "exactReference") != bool(named.tag or named.digest):
            raise ValueError(f"{where}.{fields[0]}: expected {fields[0]}, not {values[0]}")
    return Identity(kind, values)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)} is there twice")
    return found
