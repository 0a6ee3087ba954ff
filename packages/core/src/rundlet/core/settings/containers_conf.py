"""`containers.conf` and `storage.conf`: the keys that have a place in our settings.

Read where podman reads them (containers.conf(5), containers-storage.conf(5)). graphroot and
runroot are not taken over: two engines must not share one store by accident; say so in
rundlet.toml (`graph_root`, `run_root`).
"""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    ("engine", "runtime"): "runtime",
    ("engine", "cgroup_manager"): "cgroup_manager",
    ("engine", "init_path"): "init_path",
    ("engine", "stop_timeout"): "stop_timeout",
    ("engine", "detach_keys"): "detach_keys",
    ("engine", "pull_policy"): "pull_policy",
    ("engine", "image_parallel_copies"): "image_parallel_copies",
    ("network", "default_network"): "default_network",
    ("network", "default_subnet"): "default_subnet",
    ("network", "cni_plugin_dirs"): "network_plugin_dirs",
    ("secrets", "driver"): "secret_driver",
}


def files(environment: Mapping[str, str]) -> list[str]:
    """The containers.conf files in force, weakest first; CONTAINERS_CONF replaces them all."""
    if environment.get("CONTAINERS_CONF"):
        return [environment["CONTAINERS_CONF"]]
    found = ["/usr/share/containers/containers.conf", "/etc/containers/containers.conf"]
    found += _drop_ins("/etc/containers/containers.conf.d")
    if os.geteuid() != 0:
        home = environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        found.append(f"{home}/containers/containers.conf")
        found += _drop_ins(f"{home}/containers/containers.conf.d")
    if environment.get("CONTAINERS_CONF_OVERRIDE"):
        found.append(environment["CONTAINERS_CONF_OVERRIDE"])
    return [path for path in found if os.path.exists(path)]


def storage_files(environment: Mapping[str, str]) -> list[str]:
    """The storage.conf in force: the first that is there (containers-storage.conf(5))."""
    override = environment.get("CONTAINERS_STORAGE_CONF")
    places = [override] if override else ["/etc/containers/storage.conf"]
    if not override:
        places.append("/usr/share/containers/storage.conf")
    return [path for path in places if os.path.exists(path)][:1]


def _drop_ins(directory: str) -> list[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    return [f"{directory}/{name}" for name in names if name.endswith(".conf")]


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """Our settings as these files say. Raises SettingsError naming file and key."""
    values: dict[str, Any] = {}
    for path in files(environment):
        values.update(_containers(path, values))
    for path in storage_files(environment):
        values.update(_storage(path))
    return values


def _containers(path: str, before: dict[str, Any]) -> dict[str, Any]:
    tables = _load(path)
    found: dict[str, Any] = {}
    for (table, key), name in _KEYS.items():
        if key in tables.get(table, {}):
            found[name] = _value(path, f"{table}.{key}", tables[table][key])
    engine = tables.get("engine", {})
    if engine.get("conmon_path"):
        found["conmon"] = next((p for p in engine["conmon_path"] if os.path.exists(p)), "")
    runtimes = {
        name: {"path": next((p for p in paths if os.path.exists(p)), paths[0])}
        for name, paths in engine.get("runtimes", {}).items()
        if paths
    }
    if runtimes:
        found["runtimes"] = {**before.get("runtimes", {}), **runtimes}
    if tables.get("network", {}).get("network_config_dir"):
        found["network_config_dirs"] = (tables["network"]["network_config_dir"],)
    return found


def _storage(path: str) -> dict[str, Any]:
    storage = _load(path).get("storage", {})
    found: dict[str, Any] = {}
    if storage.get("driver"):
        found["storage_driver"] = storage["driver"]
    tables = {k: v for k, v in storage.get("options", {}).items() if isinstance(v, dict)}
    if tables:
        found["storage_options"] = tables
    return found


def _value(path: str, key: str, value: Any) -> Any:
    if isinstance(value, list):
        if not all(isinstance(item, str) for item in value):
            raise SettingsError(f"{path}: {key}: expected a list of strings")
        return tuple(value)
    return value


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as stream:
            return tomllib.load(stream)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
