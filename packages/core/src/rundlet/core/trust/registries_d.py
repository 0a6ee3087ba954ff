"""registries.d: where signatures of a registry's images are (containers-registries.d(5)).

All `*.yaml` files of a directory together. The most specific namespace that says something
counts, each key by itself; then `default-docker`.
"""

from __future__ import annotations

import os

from ..errors import SettingsError
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..contracts.transport import Location

_KEYS = ("lookaside", "lookaside-staging", "sigstore", "sigstore-staging")
_ATTACHMENTS = "use-sigstore-attachments"
_LARGEST = 1 << 20


class Stores(Value):
    """Where the signatures of one image are.

    read, write: URLs of lookaside stores, "" for the usual one. attachments: whether sigstore
    signatures beside the image in its registry are read and written.
    """

    read: str = ""
    write: str = ""
    attachments: bool = False


class RegistriesD(Value):
    """What the files say. scopes: by namespace. files: which file said it, of each of them."""

    default: Mapping[str, Any] = EMPTY
    scopes: Mapping[str, Mapping[str, Any]] = EMPTY

    def stores(self, location: Location) -> Stores:
        """What counts for an image."""
        from .scopes import scopes

        said = [self.scopes[scope] for scope in scopes(location) if scope in self.scopes]
        said.append(self.default)
        return Stores(
            read=_first(said, "lookaside", "sigstore"),
            write=_first(said, "lookaside-staging", "sigstore-staging", "lookaside", "sigstore"),
            attachments=next((one[_ATTACHMENTS] for one in said if _ATTACHMENTS in one), False),
        )


def _first(said: list[Mapping[str, Any]], *keys: str) -> str:
    """The first of these keys that has a value in the most specific of the namespaces."""
    return next((str(one[key]) for one in said for key in keys if one.get(key)), "")


def directory(system: str) -> str:
    """The user's own directory where there is one, else the system's (a path)."""
    own = os.path.expanduser("~/.config/containers/registries.d")
    return own if os.path.isdir(own) else system


def load(path: str) -> RegistriesD:
    """All files of a directory; one that is not there says nothing.

    Raises SettingsError naming the file and what is wrong in it, or is said by another one too.
    """
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(".yaml"))
    except FileNotFoundError:
        return RegistriesD()
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from None
    scopes: dict[str, Mapping[str, Any]] = {}
    said: dict[str, str] = {}
    default: Mapping[str, Any] = EMPTY
    for name in names:
        file = os.path.join(path, name)
        document = _document(file)
        found = {f"docker {scope}": one for scope, one in document.get("docker", {}).items()}
        if "default-docker" in document:
            default = found["default-docker"] = document["default-docker"]
        for key in found:
            if key in said:
                raise SettingsError(f"{key} is said in {said[key]} and in {file}")
            said[key] = file
        scopes.update(document.get("docker", {}))
    return RegistriesD(default, scopes)


def _document(file: str) -> dict[str, Any]:
    """One file, checked: {"default-docker": {...}, "docker": {namespace: {...}}}."""
    import yaml

    try:
        with open(file, "rb") as stream:
            document = yaml.safe_load(stream.read(_LARGEST)) or {}
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{file} is not YAML: {error}") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{file}: expected default-docker and docker")
    found: dict[str, Any] = {}
    if document.get("default-docker") is not None:
        found["default-docker"] = _namespace(document["default-docker"], f"{file}: default-docker")
    scopes = document.get("docker") or {}
    if not isinstance(scopes, dict):
        raise SettingsError(f"{file}: docker: expected namespaces")
    found["docker"] = {
        str(scope): _namespace(value or {}, f"{file}: docker: {scope}")
        for scope, value in scopes.items()
    }
    return found


def _namespace(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"{where}: expected {', '.join((*_KEYS, _ATTACHMENTS))}")
    for key in _KEYS:
        if not isinstance(value.get(key) or "", str):
            raise SettingsError(f"{where}: {key}: expected a URL")
    if not isinstance(value.get(_ATTACHMENTS, False), bool | None):
        raise SettingsError(f"{where}: {_ATTACHMENTS}: expected true or false")
    known = (*_KEYS, _ATTACHMENTS)
    return {key: value[key] for key in known if value.get(key) is not None}
