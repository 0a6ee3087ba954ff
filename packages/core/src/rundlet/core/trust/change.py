"""Changing a trust policy's file (podman-image-trust(1), `set`): whole or not at all."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ..errors import InvalidArgument, NotFound, SettingsError
from . import policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

KINDS = ("accept", "insecureAcceptAnything", "reject", "signedBy", "sigstoreSigned")


def change(path: str, scope: str, kind: str, key_files: Sequence[str]) -> None:
    """Let images of a scope ("default" for all others) be required this.

    kind: one of KINDS. key_files: an image must be signed by a key of each. Raises
    InvalidArgument, NotFound for a file of keys that is not there, SettingsError.
    """
    made = _requirements(kind, key_files)
    document = _read(path)
    if scope == "default":
        document["default"] = made
    elif "default" not in document:
        raise InvalidArgument(
            "default trust policy must be set", remedy="Set it first: image trust set default."
        )
    else:
        transports = document.setdefault("transports", {})
        holder = next((scopes for scopes in transports.values() if scope in scopes), None)
        (transports.setdefault("docker", {}) if holder is None else holder)[scope] = made
    data = json.dumps(document, indent=4).encode() + b"\n"
    policy.parse(data)
    _write(path, data)


def _requirements(kind: str, key_files: Sequence[str]) -> list[dict[str, Any]]:
    if kind not in KINDS:
        raise InvalidArgument(
            f"invalid choice: {kind} (choose from 'accept', 'reject', 'signedBy', 'sigstoreSigned')"
        )
    if kind in ("accept", "insecureAcceptAnything", "reject"):
        if key_files:
            raise InvalidArgument(
                f"{len(key_files)} public keys unexpectedly provided for trust type {kind}"
            )
        return [{"type": "reject" if kind == "reject" else "insecureAcceptAnything"}]
    if not key_files:
        raise InvalidArgument(f"at least one public key must be defined for type '{kind}'")
    paths = [os.path.abspath(path) for path in key_files]
    for path in paths:
        if not os.path.isfile(path):
            raise NotFound(f"the file of public keys {path} does not exist")
    more = {"keyType": "GPGKeys"} if kind == "signedBy" else {}
    return [{"type": kind, **more, "keyPath": path} for path in paths]


def _read(path: str) -> dict[str, Any]:
    """The policy as it is; {} for none. Raises SettingsError for one that is not valid."""
    if not os.path.lexists(path):
        return {}
    policy.load(path)
    with open(path, "rb") as file:
        document: dict[str, Any] = json.load(file)
    return document


def _write(path: str, data: bytes) -> None:
    from ..transports.files import write_whole

    real = os.path.realpath(path)
    try:
        os.makedirs(os.path.dirname(real), exist_ok=True)
        write_whole(real, data)
    except OSError as error:
        raise SettingsError(f"cannot write the trust policy {path}: {error.strerror}") from None
