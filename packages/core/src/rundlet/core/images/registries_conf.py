"""Reading registries.conf, and the files beside it.

containers-registries.conf(5), version 2, with the older version 1 still read. The main file is
followed by its drop-ins (`registries.conf.d/*.conf`), the later ones winning; aliases also
come from the `short-name-aliases.conf` that tools write when a user has chosen.
`settings/shared_files` knows where they are.
"""

from __future__ import annotations

import os
import zlib

from ..errors import InvalidArgument, SettingsError
from ..plugins import cache
from ..settings.shared_files import drop_ins, whole, within
from . import reference as references
from .registries import DEFAULT_PATH, Mirror, RegistriesConf, Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_ALIASES_OF_ROOT = "/var/cache/containers/short-name-aliases.conf"
_ALIASES_OF_USER = ".cache/containers/short-name-aliases.conf"
_MODES = ("enforcing", "permissive", "disabled")
_SLOTS = 64
_MIRROR_USES = ("all", "digest-only", "tag-only")
_SUFFIX = ".conf"


def load(path: str = "", environment: Mapping[str, str] | None = None) -> RegistriesConf:
    """Read the configuration. A missing file is an empty one.

    path: as configured, with its drop-ins beside it. Unless it is, CONTAINERS_REGISTRIES_CONF
    (without drop-ins), or the usual places. Raises SettingsError naming file and key.
    """
    environment = os.environ if environment is None else environment
    main, *others = _files(path, environment)
    conf = _Merged(main)
    for file in (main, *others):
        conf.add(file)
    home = environment.get("HOME", "")
    for aliases in (
        _ALIASES_OF_ROOT if os.geteuid() == 0 else "",
        f"{home}/{_ALIASES_OF_USER}" if home else "",
    ):
        if aliases and os.path.exists(aliases):
            conf.add_aliases(aliases, _toml(aliases))
    return conf.value()


def _files(path: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The main file, and those that are laid over it."""
    if path and path != DEFAULT_PATH:
        beside = f"{path}.d"
        return (path, *(f"{beside}/{name}" for name in within(beside, _SUFFIX)))
    over = environment.get("CONTAINERS_REGISTRIES_CONF_OVERRIDE")
    last = (over,) if over else ()
    named = environment.get("CONTAINERS_REGISTRIES_CONF")
    if named:
        return (named, *last)
    main = whole("registries.conf", environment)
    return (main, *drop_ins("registries", ".conf.d", _SUFFIX, environment), *last)


def _toml(path: str) -> dict[str, Any]:
    """A file's tables: kept parsed, for importing tomllib costs as much as all else here."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        kept = f"{cache.directory()}/toml-{zlib.crc32(os.fsencode(path)) % _SLOTS:x}"
        found: dict[str, Any] | None = cache.read(kept, data)
        if found is None:
            import tomllib

            found = tomllib.loads(data.decode())
            cache.write(kept, data, found)
        return found
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None


class _Merged:
    """Files being laid over each other."""

    def __init__(self, path: str) -> None:
        self._values: dict[str, Any] = {"path": path, "search_origin": path}
        self._registries: dict[str, Registry] = {}
        self._aliases: dict[str, str] = {}
        self._origins: dict[str, str] = {}

    def value(self) -> RegistriesConf:
        return RegistriesConf(
            **self._values,
            aliases=self._aliases,
            alias_origins=self._origins,
            registries=tuple(self._registries.values()),
        )

    def add(self, file: str) -> None:
        document = _toml(file)
        if "registries" in document:
            document = _from_version_1(document, file)
        search = _strings(document, "unqualified-search-registries", file)
        if search is not None:
            self._values.update(search=search, search_origin=file)
        helpers = _strings(document, "credential-helpers", file)
        if helpers is not None:
            self._values["helpers"] = helpers
        mode = document.get("short-name-mode")
        if mode:
            if mode not in _MODES:
                raise _wrong(file, "short-name-mode", mode, f"one of {', '.join(_MODES)}")
            self._values["short_name_mode"] = mode
        for item in _tables(document, "registry", file):
            registry = _registry(item, file)
            self._registries[registry.prefix] = registry
        self.add_aliases(file, document)

    def add_aliases(self, file: str, document: Mapping[str, Any]) -> None:
        table = document.get("aliases") or {}
        if not isinstance(table, dict):
            raise _wrong(file, "aliases", table, "a table")
        for name, target in table.items():
            if target == "":  # a later file may take an alias back
                self._aliases.pop(name, None)
                continue
            try:
                found = references.parse(str(target))
            except InvalidArgument as error:
                raise SettingsError(f"{file}: alias {name!r}: {error.message}") from None
            if references.is_short(str(target)) or found.tag or found.digest:
                raise _wrong(file, f"aliases.{name}", target, "host/repository without a tag")
            self._aliases[name] = found.repository
            self._origins[name] = file


def _registry(table: Mapping[str, Any], file: str) -> Registry:
    location = _text(table, "location", file).rstrip("/")
    prefix = _text(table, "prefix", file).rstrip("/") or location
    if not prefix:
        raise SettingsError(f"{file}: a [[registry]] has neither location nor prefix")
    if "*" in prefix[1:] or (prefix.startswith("*") and not prefix.startswith("*.")):
        raise _wrong(file, "prefix", prefix, "host[/path], or *.domain[/path]")
    if not location and not prefix.startswith("*."):
        location = prefix
    if "pull-from-mirror" in table:
        raise SettingsError(
            f"{file}: pull-from-mirror is of a [[registry.mirror]], not of {prefix}"
        )
    only_digests = bool(table.get("mirror-by-digest-only", False))
    mirrors = tuple(_mirror(item, file, only_digests) for item in _tables(table, "mirror", file))
    return Registry(
        prefix,
        location,
        bool(table.get("insecure")),
        bool(table.get("blocked")),
        mirrors,
        _proxy(table, file),
    )


def _mirror(table: Mapping[str, Any], file: str, only_digests: bool) -> Mirror:
    location = _text(table, "location", file).rstrip("/")
    if not location:
        raise SettingsError(f"{file}: a [[registry.mirror]] has no location")
    use = _text(table, "pull-from-mirror", file)
    if use and only_digests:
        raise SettingsError(
            f"{file}: mirror {location} has pull-from-mirror, its registry mirror-by-digest-only"
        )
    use = use or ("digest-only" if only_digests else "all")
    if use not in _MIRROR_USES:
        raise _wrong(file, "pull-from-mirror", use, f"one of {', '.join(_MIRROR_USES)}")
    return Mirror(location, bool(table.get("insecure")), use, _proxy(table, file))


def _proxy(table: Mapping[str, Any], file: str) -> str:
    found = _text(table, "proxy", file)
    if found and not found.startswith(("http://", "https://")):
        raise _wrong(file, "proxy", found, "the URL of an HTTP or HTTPS proxy")
    return found


def _from_version_1(document: Mapping[str, Any], file: str) -> dict[str, Any]:
    """`[registries.search|insecure|block] registries = [...]` in the words of version 2."""
    tables = document["registries"]
    if "registry" in document or "unqualified-search-registries" in document:
        raise SettingsError(f"{file}: mixes version 1 and version 2 of its format")
    if not isinstance(tables, dict):
        raise _wrong(file, "registries", tables, "a table")

    def names(kind: str) -> list[str]:
        return list(_strings(tables.get(kind) or {}, "registries", file) or ())

    insecure, blocked = names("insecure"), names("block")
    return {
        "unqualified-search-registries": names("search"),
        "registry": [
            {"location": name, "insecure": name in insecure, "blocked": name in blocked}
            for name in dict.fromkeys(insecure + blocked)
        ],
    }


def _text(table: Mapping[str, Any], key: str, file: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise _wrong(file, key, value, "text")
    return value


def _strings(table: Mapping[str, Any], key: str, file: str) -> tuple[str, ...] | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(file, key, value, "a list of text")
    return tuple(value)


def _tables(table: Mapping[str, Any], key: str, file: str) -> list[dict[str, Any]]:
    value = table.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _wrong(file, key, value, "a list of tables")
    return value


def _wrong(file: str, key: str, value: object, expected: str) -> SettingsError:
    return SettingsError(f"{file}: {key} is {value!r}, expected {expected}")
