"""Drivers by kind and name, and the hooks: what `engine.plugins` is.

Only the plugin of the driver that is asked for is imported. Its factory hook is called
directly while it is the only one that could answer; as soon as a `rundlet.hooks` plugin
is installed, the call goes through pluggy, so that such a plugin can wrap it.
"""

from __future__ import annotations

import os

from ..contracts.network import NetworkSettings
from ..contracts.runtime import RuntimeConfig
from ..errors import PluginError, RundletError
from .index import KINDS, EntryPoint, index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..contracts.network import NetworkPlugin
    from ..contracts.runtime import OCIRuntime
    from ..contracts.secrets import SecretDriver
    from ..contracts.storage import StorageDriver
    from ..contracts.transport import ImageTransport
    from ..settings.snapshot import Settings

CONTRACT_VERSION = 1
"""The version of all contracts of this release; a plugin made for another is refused."""

_FACTORY = {
    "storage": "rundlet_storage_driver",
    "runtime": "rundlet_oci_runtime",
    "network": "rundlet_network_plugin",
    "transport": "rundlet_image_transport",
    "secret": "rundlet_secret_driver",
}
# What each driver must at least have: a plugin that returns something else is named as broken.
_MUST_HAVE = {
    "storage": ("apply", "mount", "probe"),
    "runtime": ("monitor", "state", "probe"),
    "network": ("attach", "detach", "probe"),
    "transport": ("parse", "source", "destination"),
    "secret": ("store", "lookup", "probe"),
}
_NETWORK_CONFIG_DIRS = ("/etc/cni/net.d",)
_NETWORK_PLUGIN_DIRS = (
    "/usr/local/libexec/cni",
    "/usr/libexec/cni",
    "/usr/local/lib/cni",
    "/usr/lib/cni",
    "/opt/cni/bin",
)


class Plugins:
    """All plugins of this environment, as the settings configure them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._drivers: dict[tuple[str, str], object] = {}
        self._hooks: Any = None

    def available(self, kind: str) -> tuple[EntryPoint, ...]:
        """The entry points of a kind that are not disabled, by name."""
        disabled = self.settings.disabled_plugins
        entries = index().get(KINDS[kind], ())
        return tuple(e for e in entries if e.name not in disabled)

    # --- drivers, made once per engine

    def storage(self, name: str) -> StorageDriver:
        """A storage driver, with its home below the graph root."""
        from pathlib import Path

        home = Path(self.settings.graph_root, name)
        options = dict(self.settings.storage_options.get(name, {}))
        return self._driver("storage", name, home=home, options=options)  # type: ignore[no-any-return]

    def runtime(self, name: str) -> OCIRuntime:
        """An OCI runtime; an absolute path names the binary of the driver of its base name."""
        config = dict(self.settings.runtimes.get(name, {}))
        driver = name
        if name.startswith("/"):
            driver, config["path"] = os.path.basename(name), name
            config = {**self.settings.runtimes.get(driver, {}), **config}
        kind = str(config.get("kind", driver))
        return self._driver(  # type: ignore[no-any-return]
            "runtime", kind, called=driver, config=self._runtime_config(driver, config)
        )

    def _runtime_config(self, name: str, table: dict[str, Any]) -> RuntimeConfig:
        from pathlib import Path

        from ..cgroups.layout import choose_manager

        path = str(table.pop("path", ""))
        arguments = tuple(str(word) for word in table.pop("args", ()))
        root = table.pop("root", "") or f"{self.settings.run_root}/runtimes/{name}"
        return RuntimeConfig(
            root=Path(root),
            path=path,
            args=arguments,
            options={"conmon": self.settings.conmon, **table},
            systemd_cgroup=choose_manager(self.settings.cgroup_manager) == "systemd",
        )

    def network(self, name: str) -> NetworkPlugin:
        """A network plugin, with its state below the graph root and run root."""
        from pathlib import Path

        settings = self.settings
        directories = settings.network_config_dirs or _NETWORK_CONFIG_DIRS
        plugin_directories = settings.network_plugin_dirs or _NETWORK_PLUGIN_DIRS
        configuration = NetworkSettings(
            state_dir=Path(settings.graph_root, "networks"),
            run_dir=Path(settings.run_root, "networks"),
            config_dirs=tuple(Path(directory) for directory in directories),
            plugin_dirs=tuple(Path(directory) for directory in plugin_directories),
            default_network=settings.default_network,
            options={
                "default_subnet": settings.default_subnet,
                **settings.plugins.get(name, {}),
            },
        )
        return self._driver("network", name, settings=configuration)  # type: ignore[no-any-return]

    def transport(self, name: str) -> ImageTransport:
        """An image transport."""
        return self._driver("transport", name)  # type: ignore[no-any-return]

    def secret(self, name: str) -> SecretDriver:
        """A secret driver, with its home below the graph root."""
        from pathlib import Path

        home = Path(self.settings.graph_root, "secrets", name)
        options = dict(self.settings.plugins.get(name, {}))
        return self._driver("secret", name, home=home, options=options)  # type: ignore[no-any-return]

    def choose_storage(self, wanted: str = "") -> StorageDriver:
        """The driver asked for, configured, or the first that works here."""
        from .choose import choose

        return choose(self, "storage", wanted or self.settings.storage_driver, self.storage)

    def choose_runtime(self, wanted: str = "") -> OCIRuntime:
        """The runtime asked for, configured, or the first that works here."""
        from .choose import choose

        return choose(self, "runtime", wanted or self.settings.runtime, self.runtime)

    def choose_network(self, wanted: str = "") -> NetworkPlugin:
        """The network plugin asked for, configured, or the first that works here."""
        from .choose import choose

        return choose(self, "network", wanted or self.settings.network_plugin, self.network)

    def entry(self, kind: str, name: str) -> EntryPoint:
        """The entry point of a driver. Raises PluginError, naming those that exist."""
        entries = self.available(kind)
        for entry in entries:
            if entry.name == name:
                return entry
        known = ", ".join(sorted(entry.name for entry in entries)) or "none"
        raise PluginError(f"there is no {kind} driver {name!r}", remedy=f"Installed here: {known}.")

    def _driver(self, kind: str, name: str, *, called: str = "", **arguments: object) -> Any:
        called = called or name
        key = (kind, called)
        if key not in self._drivers:
            entry = self.entry(kind, name)
            driver = self._make(entry, kind, name=called, **arguments)
            _check(entry, kind, driver)
            self._drivers[key] = driver
        return self._drivers[key]

    def _make(self, entry: EntryPoint, kind: str, **arguments: object) -> object:
        hook = _FACTORY[kind]
        plugin = load(entry)
        try:
            if index().get(KINDS["hooks"]):
                return self._relay(entry.name, plugin, hook, arguments)
            return call_one(plugin, hook, arguments)
        except RundletError:
            raise
        except Exception as error:
            raise broken(entry, f"{hook} failed: {error!r}") from error

    # --- hooks

    def call(self, hook: str, **arguments: object) -> list[object]:
        """Call a lifecycle hook on all listeners; their answers that are not None.

        A listener that cannot be imported is left out with a warning; one that raises
        is a PluginError naming it (an admission that fails must not allow).
        """
        if not index().get(KINDS["hooks"]):
            return []
        results: list[object] = getattr(self._manager().hook, hook)(**arguments)
        return results

    def _manager(self) -> Any:
        if self._hooks is None:
            from .relay import relay

            self._hooks = relay(self.available("hooks"))
        return self._hooks

    def _relay(self, name: str, plugin: object, hook: str, arguments: dict[str, object]) -> object:
        manager = self._manager()
        if not manager.is_registered(plugin):
            manager.register(plugin, name=f"{hook}:{name}")
        return getattr(manager.hook, hook)(**arguments)


def load(entry: EntryPoint) -> object:
    """Import a plugin. Raises PluginError naming it, its distribution and the reason."""
    try:
        return entry.load()
    except RundletError:
        raise
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, MemoryError)):
            raise
        raise broken(entry, f"cannot be imported: {error!r}") from error


def broken(entry: EntryPoint, why: str) -> PluginError:
    """The error for a plugin that is at fault itself."""
    return PluginError(
        f"plugin {entry.name} ({entry.distribution} {entry.version}, {entry.group}): {why}",
        remedy=f"Upgrade or uninstall {entry.distribution}, or add {entry.name!r} to"
        " disabled_plugins in rundlet.toml.",
    )


def call_one(plugin: object, hook: str, arguments: dict[str, object]) -> object:
    """Call one implementation with the arguments that it takes (as pluggy does)."""
    function: Callable[..., object] | None = getattr(plugin, hook, None)
    if function is None or not hasattr(function, "rundlet_impl"):
        return None
    code = function.__code__
    wanted = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return function(**{name: arguments[name] for name in wanted if name in arguments})


def _check(entry: EntryPoint, kind: str, driver: object) -> None:
    if driver is None:
        raise broken(entry, f"{_FACTORY[kind]} made no driver for the name {entry.name!r}")
    missing = [name for name in _MUST_HAVE[kind] if not hasattr(driver, name)]
    if missing:
        raise broken(entry, f"made {driver!r}, which has no {', '.join(missing)}")
    version = getattr(driver, "contract_version", None)
    if version != CONTRACT_VERSION:
        raise broken(entry, f"is made for contract version {version}, not {CONTRACT_VERSION}")
