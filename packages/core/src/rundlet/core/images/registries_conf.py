"""registries.conf(5), version 2: search registries, short-name aliases, mirrors, blocks.

Files: CONTAINERS_REGISTRIES_CONF, or ~/.config/containers/registries.conf, or
/etc/containers/registries.conf with its drop-ins in registries.conf.d (later ones win).
"""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Any

from ..errors import DeniedByPolicy, SettingsError
from ..value import EMPTY, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .reference import Reference


class Place(Value):
    """Where to ask for an image: a reference with the real location, and whether TLS counts."""

    reference: Reference
    insecure: bool = False


class RegistriesConf(Value):
    """The merged configuration. registries: the [[registry]] tables, aliases: short to full."""

    search: tuple[str, ...] = ()
    aliases: Mapping[str, str] = EMPTY
    registries: tuple[Mapping[str, Any], ...] = ()

    def places(self, reference: Reference) -> list[Place]:
        """Mirrors, then the registry itself. Raises DeniedByPolicy for a blocked one."""
        table = self._table(reference)
        if table is None:
            return [Place(reference)]
        prefix = str(table.get("prefix") or table.get("location"))
        if table.get("blocked"):
            raise DeniedByPolicy(
                f"registry {prefix} is blocked in registries.conf: cannot pull {reference}"
            )
        places = []
        for mirror in table.get("mirror", ()):
            if _mirror_applies(mirror, table, reference):
                rewritten = _rewrite(reference, prefix, str(mirror["location"]))
                places.append(Place(rewritten, bool(mirror.get("insecure"))))
        own = _rewrite(reference, prefix, str(table.get("location") or prefix))
        places.append(Place(own, bool(table.get("insecure"))))
        return places

    def _table(self, reference: Reference) -> Mapping[str, Any] | None:
        """The table with the longest prefix that fits."""
        best: tuple[int, Mapping[str, Any]] | None = None
        for table in self.registries:
            prefix = str(table.get("prefix") or table.get("location") or "")
            if prefix and _fits(prefix, reference) and (best is None or len(prefix) > best[0]):
                best = (len(prefix), table)
        return best[1] if best else None


def _fits(prefix: str, reference: Reference) -> bool:
    if prefix.startswith("*."):
        return reference.host.endswith(prefix[1:])
    full = str(reference)
    return full == prefix or (full.startswith(prefix) and full[len(prefix)] in "/:@")


def _rewrite(reference: Reference, prefix: str, location: str) -> Reference:
    from .reference import parse

    if prefix.startswith("*."):
        return (
            reference
            if not location or location == prefix
            else parse(f"{location}{str(reference)[len(reference.host) :]}")
        )
    return parse(location + str(reference)[len(prefix) :])


def _mirror_applies(mirror: Mapping[str, Any], table: Mapping[str, Any], wanted: Reference) -> bool:
    which = mirror.get("pull-from-mirror", "all")
    if table.get("mirror-by-digest-only") or which == "digest-only":
        return bool(wanted.digest)
    return not (which == "tag-only" and wanted.digest)


def load(path: str = "") -> RegistriesConf:
    """The configuration of this machine and user. Raises SettingsError naming the file."""
    search: list[str] = []
    aliases: dict[str, str] = {}
    registries: dict[str, Mapping[str, Any]] = {}
    for file in _files(path):
        document = _read(file)
        if "unqualified-search-registries" in document:
            search = [str(host) for host in document["unqualified-search-registries"]]
        elif "registries" in document:  # version 1
            search = list(document["registries"].get("search", {}).get("registries", ()))
        aliases.update(document.get("aliases") or {})
        for table in document.get("registry") or ():
            registries[str(table.get("prefix") or table.get("location"))] = table
    return RegistriesConf(tuple(search), aliases, tuple(registries.values()))


def _files(path: str) -> list[str]:
    override = os.environ.get("CONTAINERS_REGISTRIES_CONF")
    if override:
        return [override]
    home = os.path.expanduser("~/.config/containers")
    base = path or "/etc/containers/registries.conf"
    if os.geteuid() != 0 and os.path.exists(f"{home}/registries.conf"):
        base = f"{home}/registries.conf"
    found = [base] if os.path.exists(base) else []
    directories = [f"{base}.d"] if path else ["/etc/containers/registries.conf.d"]
    if os.geteuid() != 0:
        directories.append(f"{home}/registries.conf.d")
    for directory in directories:
        if os.path.isdir(directory):
            names = sorted(name for name in os.listdir(directory) if name.endswith(".conf"))
            found += [f"{directory}/{name}" for name in names]
    return found


def _read(file: str) -> dict[str, Any]:
    try:
        with open(file, "rb") as stream:
            return tomllib.load(stream)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: {error}") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
