"""[crio.runtime.runtimes.*] as the engine has its runtimes."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any

from rundlet.core.errors import SettingsError
from rundlet.core.plugins.index import KINDS, entries
from rundlet.core.settings.snapshot import Settings

from .keys.tables import RUNTIMES
from .model import Config

_INHERITED = ("runtime_path", "runtime_type", "runtime_root", "runtime_config_path")
_SHIM = "containerd-shim-"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}


def installed(base: Settings) -> list[str]:
    """Names of the runtime drivers that are not disabled."""
    found = (entry.name for entry in entries(KINDS["runtime"]))
    return [name for name in found if name not in base.disabled_plugins]


def tables(base: Settings, config: Config) -> dict[str, dict[str, Any]]:
    """The engine's table of each handler, over rundlet.toml's of that name.

    Raises SettingsError for one that nothing here can drive.
    """
    found = {name: _table(base, config, name, table) for name, table in config.runtimes.items()}
    common = _common(config)
    if common:  # drivers that are handlers without a table have it too
        found = {**dict.fromkeys(installed(base), common), **found}
    return {name: {**base.runtimes.get(name, {}), **table} for name, table in found.items()}


def _common(config: Config) -> dict[str, Any]:
    """What [crio.runtime] says of all runtimes (conmon itself is the engine's setting)."""
    said = {
        "monitor_env": config.texts("crio.runtime.conmon_env"),
        "no_pivot": config.flag("crio.runtime.no_pivot"),
    }
    return {key: value for key, value in said.items() if value}


def _table(base: Settings, config: Config, name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    if table["inherit_default_runtime"]:
        table = {**table, **_default(config, name)}
    path = _path(table)
    found = {
        "kind": _kind(base, name, path, table["runtime_type"]),
        "path": path,
        "root": table["runtime_root"],
        "config": table["runtime_config_path"],
        "conmon": _monitor(table) or config.text("crio.runtime.conmon"),
        "monitor_env": table["monitor_env"],
        "no_sync_log": table["no_sync_log"],
        "privileged_without_host_devices": table["privileged_without_host_devices"],
        "default_annotations": table["default_annotations"],
    }
    said = {key: value for key, value in found.items() if value}
    return {**_common(config), **said, "allowed_annotations": _allowed(config, table)}


def _monitor(table: Mapping[str, Any]) -> str:
    """The path of a conmon; conmon-rs, which CRI-O's packages configure, is another thing."""
    path = str(table["monitor_path"])
    rust = table["runtime_type"] == "pod" or os.path.basename(path).startswith("conmonrs")
    return "" if rust else path


def _allowed(config: Config, table: Mapping[str, Any]) -> tuple[str, ...]:
    """The handler's, and the workloads': whether a pod is of such a one is seen to by the pods."""
    of_workloads = (
        one for each in config.workloads.values() for one in each["allowed_annotations"]
    )
    return tuple(dict.fromkeys((*table["allowed_annotations"], *of_workloads)))


def _default(config: Config, name: str) -> Mapping[str, Any]:
    default = config.text("crio.runtime.default_runtime")
    if default == name:
        raise SettingsError(f"{RUNTIMES}.{name}: the default runtime cannot inherit from itself")
    table = config.runtimes.get(default)
    if table is None:  # a driver, or the engine's choice
        return {"runtime_path": default, **dict.fromkeys(_INHERITED[1:], "")}
    return {key: table[key] for key in _INHERITED}


def _path(table: Mapping[str, Any]) -> str:
    machine = _MACHINES.get(platform.machine(), platform.machine())
    path = str(table["platform_runtime_paths"].get(f"linux/{machine}", table["runtime_path"]))
    return path if path.startswith("/") else ""


def _kind(base: Settings, name: str, path: str, kind: str) -> str:
    """The driver: of a shim the one of its name; else the one whose name the binary begins with.

    Other OCI runtimes (youki, crun-vm) have runc's command line, and so runc's driver.
    """
    drivers = installed(base)
    binary = os.path.basename(path) or name
    if kind == "vm":
        shim = binary.removeprefix(_SHIM)
        for candidate in (f"shim-{shim}", shim, shim.partition("-")[0]):
            if candidate in drivers:
                return candidate
        raise SettingsError(
            f"{RUNTIMES}.{name}: no driver here speaks to the shim {binary}",
            remedy=f"Drivers: {', '.join(drivers)}.",
        )
    known = [driver for driver in drivers if binary.startswith(driver)]
    return max(known, key=len, default="runc")
