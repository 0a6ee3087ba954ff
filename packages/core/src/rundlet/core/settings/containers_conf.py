"""`containers.conf` and `storage.conf`: the keys that have a place in our settings.

Read where podman reads them (containers.conf(5), containers-storage.conf(5)). graphroot and
runroot are not taken over: two engines must not share one store by accident; say so in
rundlet.toml (`graph_root`, `run_root`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
from .keys import CONTAINERS_CONF, STORAGE_CONF
from .model import check
from .toml_file import read_toml
from .unknown import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

_SETTINGS = {(key.table, key.name): key.setting for key in CONTAINERS_CONF if key.setting}
_STORAGE = {(key.table, key.name): key.setting for key in STORAGE_CONF if key.setting}
# Defaults of flags: lists come before what is typed; all else is overridden by it.
_FLAGS = tuple(key for key in CONTAINERS_CONF if key.flag)
_NAMES = {
    **{setting: f"{table}.{key}" for (table, key), setting in _SETTINGS.items()},
    "network_config_dirs": "network.network_config_dir",
    "platform_runtimes": "engine.platform_to_oci_runtime",
    "temporary": "engine.image_copy_tmp_dir",
}
"""What our settings are called in containers.conf."""
_EVENTS = {"none": "none", **dict.fromkeys(("file", "journald"), "sqlite")}
_OF_DRIVERS = {
    "overlay": ("force_mask", "ignore_chown_errors", "mount_program", "mountopt"),
    "vfs": ("ignore_chown_errors",),
}
"""Options of drivers that [storage.options] may have too: their own tables come first."""


def read(containers: Sequence[str], storage: Sequence[str]) -> dict[str, Any]:
    """Our settings as these files say, later ones over earlier.

    Raises SettingsError naming file and key.
    """
    values: dict[str, Any] = {}
    for path in containers:
        values.update(_containers(path, values))
    for path in storage:
        values.update(_storage(path, values))
    strange = (*unknown(containers, CONTAINERS_CONF), *unknown(storage, STORAGE_CONF))
    return {**values, "unknown_keys": strange} if strange else values


def _containers(path: str, before: dict[str, Any]) -> dict[str, Any]:
    tables = read_toml(path)
    found: dict[str, Any] = {}
    for (table, key), name in _SETTINGS.items():
        value = _table(path, tables, table).get(key)
        if isinstance(value, list):
            found[name] = _list(path, f"{table}.{key}", value, before.get(name, ()))
        elif value is not None and value != "":
            found[name] = value
    found.update(_engine(path, _table(path, tables, "engine"), before))
    flags = _run_flags(path, tables, before.get("run_flags", {}))
    if flags:
        found["run_flags"] = flags
    found.update(_network(path, _table(path, tables, "network"), before))
    options = _table(path, _table(path, tables, "secrets"), "opts")
    if options:
        found["secret_options"] = {**before.get("secret_options", {}), **options}
    return check(found, path, _NAMES)


def _engine(path: str, engine: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The keys of [engine] that are read in a way of their own."""
    found: dict[str, Any] = {}
    if engine.get("conmon_path"):
        found["conmon"] = _first(path, "engine.conmon_path", engine["conmon_path"], missing="")
    if engine.get("events_logger"):
        found["events_backend"] = _events(path, engine["events_logger"])
    if engine.get("image_copy_tmp_dir"):
        place = engine["image_copy_tmp_dir"]
        found["temporary"] = "" if place == "storage" else place
    if engine.get("retry_delay"):
        found["retry_delay"] = _seconds(path, "engine.retry_delay", engine["retry_delay"])
    platforms = _table(path, engine, "platform_to_oci_runtime")
    if platforms:  # the file that podman ships has lists of one there
        only = {name: one[0] if _is_one(one) else one for name, one in platforms.items()}
        found["platform_runtimes"] = {**before.get("platform_runtimes", {}), **only}
    runtimes = _runtimes(path, engine)
    if runtimes:
        old = before.get("runtimes", {})
        merged = {name: {**old.get(name, {}), **table} for name, table in runtimes.items()}
        found["runtimes"] = {**old, **merged}
    return found


def _runtimes(path: str, engine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Our tables of runtimes, from [engine.runtimes] and [engine.runtimes_flags]."""
    runtimes: dict[str, dict[str, Any]] = {}
    for name, places in _table(path, engine, "runtimes").items():
        if places:
            runtimes[name] = {"path": _first(path, f"engine.runtimes.{name}", places)}
    for name, flags in _table(path, engine, "runtimes_flags").items():
        words = _list(path, f"engine.runtimes_flags.{name}", flags, ())
        runtimes.setdefault(name, {})["args"] = [f"--{word}" for word in words]
    return runtimes


def _events(path: str, value: object) -> str:
    if not isinstance(value, str) or value not in _EVENTS:
        words = ", ".join(sorted(_EVENTS))
        raise SettingsError(f"{path}: engine.events_logger: {value!r} is not one of {words}")
    return _EVENTS[value]


def _is_one(value: object) -> bool:
    return isinstance(value, list) and len(value) == 1


def _network(path: str, network: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The keys of [network] that are read in a way of their own."""
    found: dict[str, Any] = {}
    if network.get("network_config_dir"):
        found["network_config_dirs"] = (network["network_config_dir"],)
    pools = network.get("default_subnet_pools")
    if pools:
        key = "network.default_subnet_pools"
        if not isinstance(pools, list):
            raise SettingsError(f"{path}: {key}: expected a list of tables")
        said = [item if _appends(item) else _pool(path, key, item) for item in pools]
        found["default_subnet_pools"] = _list(
            path, key, said, before.get("default_subnet_pools", ())
        )
    return found


def _appends(item: object) -> bool:
    return isinstance(item, dict) and "append" in item


def _pool(path: str, key: str, item: Any) -> str:
    """{"base" = "10.89.0.0/16", "size" = 24}, as our own settings have it: "10.89.0.0/16 24"."""
    from ipaddress import IPv4Network

    try:
        base, size = IPv4Network(item["base"]), int(item["size"])
    except (LookupError, TypeError, ValueError) as error:
        raise SettingsError(f"{path}: {key}: expected a base and a size: {error}") from None
    if not base.prefixlen <= size <= 32:
        raise SettingsError(f"{path}: {key}: {base} has no subnets of size {size}")
    return f"{base} {size}"


def _run_flags(path: str, tables: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    found = dict(before)
    for key in _FLAGS:
        value = _table(path, tables, key.table).get(key.name)
        if value is None or value == "":
            continue
        if key.kind is list and isinstance(value, list):
            value = _list(path, f"{key.table}.{key.name}", value, before.get(key.flag, ()))
        elif type(value) is not key.kind:
            raise SettingsError(f"{path}: {key.table}.{key.name}: expected {_WORDS[key.kind]}")
        if key.prefix:  # one of several keys that are words of the same flag
            others = [one for one in found.get(key.flag, ()) if not one.startswith(key.prefix)]
            value = (*others, f"{key.prefix}{value}")
        found[key.flag] = value
    return found


_WORDS = {str: "a string", bool: "true or false", int: "a number", list: "a list of strings"}


def _storage(path: str, before: dict[str, Any]) -> dict[str, Any]:
    storage = _table(path, read_toml(path), "storage")
    options = _table(path, storage, "options")
    found: dict[str, Any] = {}
    for (table, key), name in _STORAGE.items():
        value = (storage if table == "storage" else options).get(key)
        if value not in ("", None):
            found[name] = value
    tables = dict(before.get("storage_options", {}))
    for driver, names in _OF_DRIVERS.items():
        general = {name: options[name] for name in names if options.get(name)}
        if general:
            tables[driver] = {**tables.get(driver, {}), **general}
    for driver, table in options.items():
        if isinstance(table, dict):
            tables[driver] = {**tables.get(driver, {}), **table}
    if tables:
        found["storage_options"] = tables
    return check(found, path, {name: f"{table}.{key}" for (table, key), name in _STORAGE.items()})


def _table(path: str, tables: dict[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {name}: expected a table")
    return table


def _list(path: str, key: str, value: Any, before: tuple[str, ...]) -> tuple[str, ...]:
    """A list of strings; `{append=true}` in it adds to those of the files before."""
    if not isinstance(value, list):
        raise SettingsError(f"{path}: {key}: expected a list of strings")
    append = False
    texts = []
    for item in value:
        if isinstance(item, dict) and item.keys() == {"append"}:
            append = bool(item["append"])
        elif isinstance(item, str):
            texts.append(item)
        else:
            raise SettingsError(f"{path}: {key}: expected a list of strings")
    return (*(before if append else ()), *texts)


def _first(path: str, key: str, places: Any, missing: str | None = None) -> str:
    """The first of some paths that is there; else `missing`, or the first of all."""
    if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
        raise SettingsError(f"{path}: {key}: expected a list of strings")
    missing = places[0] if missing is None else missing
    return next((place for place in places if os.path.exists(place)), missing)


def _seconds(path: str, key: str, value: Any) -> float:
    """A duration as Go writes it ("5s"), in seconds."""
    from ..commands.values import duration

    try:
        return duration(str(value))
    except ValueError as error:
        raise SettingsError(f"{path}: {key}: {error}") from None
