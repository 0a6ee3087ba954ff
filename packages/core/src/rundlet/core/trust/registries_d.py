"""registries.d: where signatures of a registry's images are (containers-registries.d(5)).

All `*.yaml` files of the directories together (`settings/shared_files`). The most specific
namespace that says something counts, each key by itself; then `default-docker`.
"""

from __future__ import annotations

import os

from ..errors import SettingsError
from ..settings.shared_files import drop_ins, within
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..contracts.transport import Location

SYSTEM = "/etc/containers/registries.d"
_SUFFIX = ".yaml"
_KEYS = ("lookaside", "lookaside-staging", "sigstore", "sigstore-staging")
_ATTACHMENTS = "use-sigstore-attachments"
_WRITE, _BY_TAG = "sigstore-attachments-write", "cosign-tag"
_LARGEST = 1 << 20


class Stores(Value):
    """Where the signatures of one image are.

    read, write: URLs of lookaside stores, "" for the usual one. attachments: whether sigstore
    signatures beside the image in its registry are read and written; by_tag: as cosign writes them.
    """

    read: str = ""
    write: str = ""
    attachments: bool = False
    by_tag: bool = True


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
            by_tag=_first(said, _WRITE) in ("", _BY_TAG),
        )


def _first(said: list[Mapping[str, Any]], *keys: str) -> str:
    """The first of these keys that has a value in the most specific of the namespaces."""
    return next((str(one[key]) for one in said for key in keys if one.get(key)), "")


def load(path: str) -> RegistriesD:
    """All files of a directory; of all that containers/image reads, for the system's own.

    One that is not there says nothing. Raises SettingsError naming the file and what is wrong in
    it, or is said by another one too.
    """
    try:
        if path == SYSTEM:
            files = drop_ins("registries", ".d", _SUFFIX, os.environ)
        else:
            files = tuple(os.path.join(path, name) for name in within(path, _SUFFIX))
    except OSError as error:
        raise SettingsError(f"cannot read {error.filename}: {error.strerror}") from None
    scopes: dict[str, Mapping[str, Any]] = {}
    said: dict[str, str] = {}
    default: Mapping[str, Any] = EMPTY
    for file in files:
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
    if (value.get(_WRITE) or _BY_TAG) not in (_BY_TAG, "referrers", "both"):
        raise SettingsError(f"{where}: {_WRITE}: expected {_BY_TAG}, referrers or both")
    known = (*_KEYS, _ATTACHMENTS, _WRITE)
    return {key: value[key] for key in known if value.get(key) is not None}
