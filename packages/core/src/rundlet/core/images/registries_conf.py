"""Reading registries.conf, and the files beside it.

containers-registries.conf(5), version 2, with the older version 1 still read. The main file is
followed by its drop-ins (`registries.conf.d/*.conf`), the later ones winning; aliases also
come from the `short-name-aliases.conf` that tools write when a user has chosen.
"""

from __future__ import annotations

import os
import zlib

from ..errors import InvalidArgument, SettingsError
from ..plugins import cache
from . import reference as references
from .registries import DEFAULT_PATH, Mirror, RegistriesConf, Registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_ALIASES_OF_ROOT = "/var/cache/containers/short-name-aliases.conf"
_ALIASES_OF_USER = ".cache/containers/short-name-aliases.conf"
_MODES = ("enforcing", "permissive", "disabled")
_SLOTS = 64
_MIRROR_USES = ("all", "digest-only", "tag-only")


def load(path: str = "", environment: Mapping[str, str] | None = None) -> RegistriesConf:
    """Read the configuration. A missing file is an empty one.

    path: as configured. Unless it is, CONTAINERS_REGISTRIES_CONF and the user's own file
    (`~/.config/containers`) come before /etc. Raises SettingsError naming file and key.
    """
    environment = os.environ if environment is None else environment
    main = _main_file(path, environment)
    conf = _Merged(main)
    for file in (main, *_drop_ins(main)):
        conf.add(file)
    home = environment.get("HOME", "")
    for aliases in (
        _ALIASES_OF_ROOT if os.geteuid() == 0 else "",
        f"{home}/{_ALIASES_OF_USER}" if home else "",
    ):
        if aliases and os.path.exists(aliases):
            conf.add_aliases(aliases, _toml(aliases))
    return conf.value()


def _main_file(path: str, environment: Mapping[str, str]) -> str:
    if path and path != DEFAULT_PATH:
        return path
    if environment.get("CONTAINERS_REGISTRIES_CONF"):
        return environment["CONTAINERS_REGISTRIES_CONF"]
    config = environment.get("XDG_CONFIG_HOME") or f"{environment.get('HOME', '')}/.config"
    own = f"{config}/containers/registries.conf"
    return own if os.path.exists(own) else DEFAULT_PATH


def _drop_in_directory(main: str) -> str:
    return f"{main}.d"


def _drop_ins(main: str) -> Iterator[str]:
    """The drop-ins of a file; a user's file has the system's drop-ins before its own."""
    directories = [_drop_in_directory(main)]
    if main.endswith("/containers/registries.conf") and main != DEFAULT_PATH:
        directories.insert(0, _drop_in_directory(DEFAULT_PATH))
    for directory in directories:
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            continue
        yield from (f"{directory}/{name}" for name in names if name.endswith(".conf"))


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
    only_digests = bool(table.get("mirror-by-digest-only", False))
    mirrors = tuple(_mirror(item, file, only_digests) for item in _tables(table, "mirror", file))
    return Registry(
        prefix, location, bool(table.get("insecure")), bool(table.get("blocked")), mirrors
    )


def _mirror(table: Mapping[str, Any], file: str, only_digests: bool) -> Mirror:
    location = _text(table, "location", file).rstrip("/")
    if not location:
        raise SettingsError(f"{file}: a [[registry.mirror]] has no location")
    use = _text(table, "pull-from-mirror", file) or ("digest-only" if only_digests else "all")
    if use not in _MIRROR_USES:
        raise _wrong(file, "pull-from-mirror", use, f"one of {', '.join(_MIRROR_USES)}")
    return Mirror(location, bool(table.get("insecure")), use)


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
