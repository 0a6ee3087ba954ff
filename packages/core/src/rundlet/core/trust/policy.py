"""policy.json: what is required of an image before it is used (containers-policy.json(5)).

Read strictly: a field that is unknown, missing or there twice makes the file void, and with
it every operation that needs it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from functools import partial
from typing import TYPE_CHECKING

from ..errors import InvalidArgument, SettingsError
from ..images import reference as references
from ..value import EMPTY, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ..contracts.transport import Location

_LARGEST = 4 << 20
_IDENTITIES: dict[str, tuple[str, ...]] = {
    "matchExact": (),
    "matchRepoDigestOrExact": (),
    "matchRepository": (),
    "exactReference": ("dockerReference",),
    "exactRepository": ("dockerRepository",),
    "remapIdentity": ("prefix", "signedPrefix"),
}


class Identity(Value):
    """Which name a signature must claim. values: of the fields that its type has."""

    kind: str = "matchRepoDigestOrExact"
    values: tuple[str, ...] = ()


class Requirement(Value):
    """One thing that is required. kind: its type as it is written.

    key_paths, keys: files of keys, and keys themselves (signedBy).
    """

    kind: str
    key_paths: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    identity: Identity = Identity()


class Policy(Value):
    """Requirements by transport and scope, and those of all other images."""

    default: tuple[Requirement, ...]
    transports: Mapping[str, Mapping[str, tuple[Requirement, ...]]] = EMPTY

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


def configured(system: str) -> Policy:
    """The user's policy, else the system's (a path), else one that accepts everything.

    Raises SettingsError for one that is there but cannot be read.
    """
    for path in (os.path.expanduser("~/.config/containers/policy.json"), system):
        if os.path.exists(path):
            return load(path)
    return ANYTHING


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
    root = _object(json.loads(data, object_pairs_hook=_once), "policy", ("default",),
                   ("transports",))  # fmt: skip
    transports = _object(root.get("transports", {}), "transports", (), None)
    return Policy(
        _requirements(root["default"], "default"),
        {
            name: {
                scope: _requirements(value, f"transports.{name}[{scope!r}]")
                for scope, value in _object(scoped, f"transports.{name}", (), None).items()
            }
            for name, scoped in transports.items()
        },
    )


def _requirements(value: Any, where: str) -> tuple[Requirement, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{where}: expected a list of requirements that is not empty")
    return tuple(_requirement(item, f"{where}[{number}]") for number, item in enumerate(value))


def _requirement(value: Any, where: str) -> Requirement:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in ("insecureAcceptAnything", "reject"):
        _object(value, where, ("type",), ())
        return Requirement(kind)
    if kind == "signedBy":
        found = _object(value, where, ("type", "keyType"),
                        ("keyPath", "keyPaths", "keyData", "signedIdentity"))  # fmt: skip
        if found["keyType"] != "GPGKeys":
            raise ValueError(f"{where}.keyType: expected GPGKeys")
        paths, keys = _keys(found, where)
        return Requirement(kind, paths, keys, _identity(found, where))
    if kind == "sigstoreSigned":
        return Requirement(kind)  # its fields are for who can check such signatures
    raise ValueError(f"{where}.type: unknown requirement {kind!r}")


def _keys(found: dict[str, Any], where: str) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """Files of keys, or keys. Exactly one field says which."""
    given = [name for name in ("keyPath", "keyPaths", "keyData") if name in found]
    if len(given) != 1:
        raise ValueError(f"{where}: exactly one of keyPath, keyPaths and keyData is needed")
    value = found[given[0]]
    texts = value if given[0] == "keyPaths" else [value]
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise ValueError(f"{where}.{given[0]}: expected text")
    if given[0] != "keyData":
        return tuple(texts), ()
    try:
        return (), (base64.b64decode(texts[0], validate=True),)
    except binascii.Error:
        raise ValueError(f"{where}.keyData: not base64") from None


def _identity(found: dict[str, Any], where: str) -> Identity:
    if "signedIdentity" not in found:
        return Identity()
    where = f"{where}.signedIdentity"
    value = found["signedIdentity"]
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in _IDENTITIES:
        raise ValueError(f"{where}.type: unknown identity {kind!r}")
    fields = _IDENTITIES[kind]
    given = _object(value, where, ("type", *fields), ())
    values = tuple(given[field] for field in fields)
    if not all(isinstance(text, str) and text for text in values):
        raise ValueError(f"{where}: expected text in {', '.join(fields)}")
    if kind in ("exactReference", "exactRepository"):
        named = references.parse(values[0])
        if (kind == "exactReference") != bool(named.tag or named.digest):
            raise ValueError(f"{where}.{fields[0]}: expected {fields[0]}, not {values[0]}")
    return Identity(kind, values)


def _object(
    value: Any, where: str, needed: tuple[str, ...], more: tuple[str, ...] | None
) -> dict[str, Any]:
    """A JSON object with these fields; more: others that may be there, None for any."""
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected an object")
    for name in needed:
        if name not in value:
            raise ValueError(f"{where}: {name} is missing")
    unknown = set() if more is None else set(value) - {*needed, *more}
    if unknown:
        raise ValueError(f"{where}: unknown field {min(unknown)}")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)} is there twice")
    return found
