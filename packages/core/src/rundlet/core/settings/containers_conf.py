"""`containers.conf` and `storage.conf`: the keys that have a place in our settings.

Read where podman reads them (containers.conf(5), containers-storage.conf(5)). graphroot and
runroot are not taken over: two engines must not share one store by accident; say so in
rundlet.toml (`graph_root`, `run_root`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
from .model import check, read_toml

if TYPE_CHECKING:
    from collections.abc import Sequence

# (table, key) of containers.conf to the name of our setting
_KEYS = {
    ("containers", "default_capabilities"): "default_capabilities",
    ("containers", "default_sysctls"): "default_sysctls",
    ("containers", "default_ulimits"): "default_ulimits",
    ("containers", "env"): "environment",
    ("containers", "seccomp_profile"): "seccomp_profile",
    ("containers", "pids_limit"): "pids_limit",
    ("containers", "log_driver"): "log_driver",
    ("containers", "log_size_max"): "log_size_max",
    ("containers", "umask"): "umask",
    ("containers", "tz"): "timezone",
    ("containers", "init"): "init",
    ("containers", "dns_servers"): "dns_servers",
    ("containers", "dns_searches"): "dns_searches",
    ("containers", "dns_options"): "dns_options",
    ("containers", "host_containers_internal_ip"): "host_containers_internal_ip",
    ("containers", "volumes"): "volumes",
    ("containers", "annotations"): "annotations",
    ("engine", "volume_path"): "volume_path",
    ("engine", "runtime"): "runtime",
    ("engine", "cgroup_manager"): "cgroup_manager",
    ("engine", "init_path"): "init_path",
    ("engine", "cdi_spec_dirs"): "cdi_spec_dirs",
    ("engine", "hooks_dir"): "hooks_dirs",
    ("engine", "stop_timeout"): "stop_timeout",
    ("engine", "detach_keys"): "detach_keys",
    ("engine", "pull_policy"): "pull_policy",
    ("engine", "image_parallel_copies"): "image_parallel_copies",
    ("network", "default_network"): "default_network",
    ("network", "default_subnet"): "default_subnet",
    ("network", "cni_plugin_dirs"): "network_plugin_dirs",
    ("secrets", "driver"): "secret_driver",
}


# Keys that are the defaults of flags of `run` and `create`: of which flag, and what they must be.
# Lists come before what is typed; all else is overridden by it.
_FLAGS: dict[tuple[str, str], tuple[str, type]] = {
    ("containers", "base_hosts_file"): ("hosts-file", str),
    ("containers", "cgroup_conf"): ("cgroup-conf", list),
    ("containers", "cgroupns"): ("cgroupns", str),
    ("containers", "cgroups"): ("cgroups", str),
    ("containers", "devices"): ("device", list),
    ("containers", "env_host"): ("env-host", bool),
    ("containers", "http_proxy"): ("http-proxy", bool),
    ("containers", "ipcns"): ("ipc", str),
    ("containers", "mounts"): ("mount", list),
    ("containers", "netns"): ("network", str),
    ("containers", "no_hosts"): ("no-hosts", bool),
    ("containers", "oom_score_adj"): ("oom-score-adj", int),
    ("containers", "pidns"): ("pid", str),
    ("containers", "privileged"): ("privileged", bool),
    ("containers", "read_only"): ("read-only", bool),
    ("containers", "restart_policy"): ("restart", str),
    ("containers", "shm_size"): ("shm-size", str),
    ("containers", "userns"): ("userns", str),
    ("containers", "utsns"): ("uts", str),
    ("engine", "image_volume_mode"): ("image-volume", str),
}
_STORAGE_KEYS = (("driver", "storage_driver"), ("transient_store", "transient_store"))


def read(containers: Sequence[str], storage: Sequence[str]) -> dict[str, Any]:
    """Our settings as these files say, later ones over earlier.

    Raises SettingsError naming file and key.
    """
    values: dict[str, Any] = {}
    for path in containers:
        values.update(_containers(path, values))
    for path in storage:
        values.update(_storage(path, values))
    return values


def _containers(path: str, before: dict[str, Any]) -> dict[str, Any]:
    tables = read_toml(path)
    found: dict[str, Any] = {}
    for (table, key), name in _KEYS.items():
        value = _table(path, tables, table).get(key)
        if isinstance(value, list):
            found[name] = _list(path, f"{table}.{key}", value, before.get(name, ()))
        elif value is not None:
            found[name] = value
    engine = _table(path, tables, "engine")
    if engine.get("conmon_path"):
        found["conmon"] = _first(path, "engine.conmon_path", engine["conmon_path"], missing="")
    runtimes = {
        name: {"path": _first(path, f"engine.runtimes.{name}", places)}
        for name, places in _table(path, engine, "runtimes").items()
        if places
    }
    if runtimes:
        found["runtimes"] = {**before.get("runtimes", {}), **runtimes}
    flags = _run_flags(path, tables, before.get("run_flags", {}))
    if flags:
        found["run_flags"] = flags
    directory = _table(path, tables, "network").get("network_config_dir")
    if directory:
        found["network_config_dirs"] = (directory,)
    return check(found, path, {name: f"{table}.{key}" for (table, key), name in _KEYS.items()})


def _run_flags(path: str, tables: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    found = dict(before)
    for (table, key), (flag, kind) in _FLAGS.items():
        value = _table(path, tables, table).get(key)
        if value is None or value == "":
            continue
        if kind is list and isinstance(value, list):
            value = _list(path, f"{table}.{key}", value, before.get(flag, ()))
        elif type(value) is not kind:
            raise SettingsError(f"{path}: {table}.{key}: expected {_WORDS[kind]}")
        found[flag] = value
    return found


_WORDS = {str: "a string", bool: "true or false", int: "a number", list: "a list of strings"}


def _storage(path: str, before: dict[str, Any]) -> dict[str, Any]:
    storage = _table(path, read_toml(path), "storage")
    found: dict[str, Any] = {}
    for key, name in _STORAGE_KEYS:
        if storage.get(key):
            found[name] = storage[key]
    options = _table(path, storage, "options")
    tables = dict(before.get("storage_options", {}))
    for name, table in options.items():
        if isinstance(table, dict):
            tables[name] = {**tables.get(name, {}), **table}
    if tables:
        found["storage_options"] = tables
    return check(found, path, {name: f"storage.{key}" for key, name in _STORAGE_KEYS})


def _table(path: str, tables: dict[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {name}: expected a table")
    return table


def _list(path: str, key: str, value: list[Any], before: tuple[str, ...]) -> tuple[str, ...]:
    """A list of strings; `{append=true}` in it adds to those of the files before."""
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
