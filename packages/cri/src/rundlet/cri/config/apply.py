"""The configuration in the engine's words: what of it is settings of the engine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from rundlet.core.errors import SettingsError
from rundlet.core.plugins.index import KINDS, entries
from rundlet.core.settings.load import image_stores, storage_options
from rundlet.core.settings.snapshot import Settings

from .model import Config
from .runtimes import installed, tables

_DIRECT = {
    "crio.root": "graph_root",
    "crio.runroot": "run_root",
    "crio.imagestore": "image_store",
    "crio.storage_driver": "storage_driver",
    "crio.image.big_files_temporary_dir": "temporary",
    "crio.image.signature_policy": "signature_policy",
    "crio.runtime.cgroup_manager": "cgroup_manager",
    "crio.runtime.conmon": "conmon",
    "crio.runtime.seccomp_profile": "seccomp_profile",
    "crio.runtime.default_ulimits": "default_ulimits",
    "crio.runtime.cdi_spec_dirs": "cdi_spec_dirs",
    "crio.network.plugin_dirs": "network_plugin_dirs",
}
"""Keys that are a setting: where nothing is said, Rundlet's own files have a say."""

_FOREIGN = ("storage.lock", "overlay-images", "overlay-containers")
"""What containers/storage has in its root: podman's or CRI-O's own store."""


def settings(base: Settings, config: Config) -> Settings:
    """The engine's settings for pods: `base` (of rundlet.toml and its kin), and `config` over it.

    Pods pull only when kubelet says so, and nothing is added to what kubelet says of DNS.
    Raises SettingsError.
    """
    changes: dict[str, Any] = {
        name: config.values[path] for path, name in _DIRECT.items() if path in config.said
    }
    for name in ("graph_root", "run_root", "image_store"):
        if changes.get(name):
            changes[name] = os.path.abspath(changes[name])
    if changes.get("graph_root"):
        changes.setdefault("image_store", "")  # storage.conf's is that of the root it goes with
    _check_root(config)
    options = config.texts("crio.storage_option")
    if options:
        storage = base.replace(storage_driver=changes.get("storage_driver", base.storage_driver))
        changes["storage_options"] = storage_options(storage, options)
        changes["additional_image_stores"] = image_stores(storage, options)
    changes |= {
        "default_capabilities": _capabilities(base, config),
        "environment": (*base.environment, *config.texts("crio.runtime.default_env")),
        "default_sysctls": (),  # they are the pod's
        "log_size_max": config.number("crio.runtime.log_size_max"),
        "timezone": _timezone(config) or base.timezone,
        "short_name_mode": config.text("crio.image.short_name_mode"),
        "dns_servers": (),
        "dns_searches": (),
        "dns_options": (),
        "pull_policy": "never",
    }
    return base.replace(**changes, **_networks(base, config), **_runtimes(base, config))


def _capabilities(base: Settings, config: Config) -> tuple[str, ...]:
    path = "crio.runtime.default_capabilities"
    if path not in config.said and base.default_capabilities is not None:
        return base.default_capabilities
    return config.texts(path)


def _runtimes(base: Settings, config: Config) -> Mapping[str, Any]:
    """`runtime` and `runtimes`. Raises SettingsError for a default that there is not."""
    found = {**base.runtimes, **tables(base, config)}
    default = config.text("crio.runtime.default_runtime") or base.runtime
    known = {*found, *installed(base)}
    if default and default not in known and not default.startswith("/"):
        where = config.said.get("crio.runtime.default_runtime", "rundlet.toml")
        raise SettingsError(
            f"{where}: crio.runtime.default_runtime: there is no runtime {default!r}",
            remedy=f"Here are: {', '.join(sorted(known))}.",
        )
    return {"runtimes": found, "runtime": default}


def _networks(base: Settings, config: Config) -> Mapping[str, Any]:
    """Pods join the first network of the directory, unless one is named.

    podman's default network, which is there without a file, is for pods only by its name: a
    node is not ready before its network was configured.
    """
    directory, default = "crio.network.network_dir", "crio.network.cni_default_network"
    found: dict[str, Any] = {"default_network": config.text(default)}
    if default not in config.said and base.default_network != Settings.default_network:
        found["default_network"] = base.default_network
    if directory in config.said or not base.network_config_dirs:
        found["network_config_dirs"] = (config.text(directory),)
    if not base.network_plugin and "cni" in (one.name for one in entries(KINDS["network"])):
        found["network_plugin"] = "cni"  # "none" would do without it, and pods would not
    return found


def _timezone(config: Config) -> str:
    zone = config.text("crio.runtime.timezone")
    return "local" if zone == "Local" else zone


def _check_root(config: Config) -> None:
    """Two engines must not share one store: CRI-O's is a directory that is not for us."""
    root = config.text("crio.root")
    if root and any(os.path.exists(os.path.join(root, name)) for name in _FOREIGN):
        where = config.said["crio.root"]
        raise SettingsError(
            f"{where}: crio.root: {root} is a store of CRI-O or podman",
            remedy="Name another directory: images are pulled anew.",
        )
