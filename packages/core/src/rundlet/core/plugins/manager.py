"""Drivers by kind and name, and the hooks: what `engine.plugins` is.

Only the plugin of the driver that is asked for is imported. Its factory hook is called
directly while it is the only one that could answer; as soon as a `rundlet.hooks` plugin
is installed, the call goes through pluggy, so that such a plugin can wrap it (`relay`).
"""

from __future__ import annotations

import os
import sys

from ..errors import DriverUnavailable, PluginError
from ..value import EMPTY
from . import kept
from .faults import attempt, broken, load
from .index import KINDS, EntryPoint, entries, index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..contracts.network import NetworkPlugin
    from ..contracts.runtime import OCIRuntime, RuntimeConfig
    from ..contracts.secrets import SecretDriver
    from ..contracts.storage import StorageDriver
    from ..contracts.transport import ImageTransport
    from ..settings.snapshot import Settings
    from ..views import ImageView
    from .relay import Relay, Verdict

CONTRACT_VERSIONS = {"storage": 1, "runtime": 1, "network": 1, "transport": 1, "secret": 1}
"""The version of each contract in this release (docs/plugins.md says when one changes)."""

OLDEST_VERSIONS = {"storage": 1, "runtime": 1, "network": 1, "transport": 1, "secret": 1}
"""The oldest version of each whose drivers this release still works with."""

FACTORIES = {
    "storage": ("rundlet_storage_driver", "storage", "StorageDriver"),
    "runtime": ("rundlet_oci_runtime", "runtime", "OCIRuntime"),
    "network": ("rundlet_network_plugin", "network", "NetworkPlugin"),
    "transport": ("rundlet_image_transport", "transport", "ImageTransport"),
    "secret": ("rundlet_secret_driver", "secrets", "SecretDriver"),
}
"""Kind to: its factory hook, the module of its contract, the class that drivers derive from."""

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
        self._relay: Relay | None = None

    def available(self, kind: str) -> tuple[EntryPoint, ...]:
        """The entry points of a kind that are not disabled, by name."""
        disabled = self.settings.disabled_plugins
        return tuple(e for e in entries(KINDS[kind]) if e.name not in disabled)

    # --- drivers, made once per engine

    def storage(self, name: str, root: str = "") -> StorageDriver:
        """A storage driver, with its home below the graph root, or below another directory."""
        home = os.path.join(root or self.settings.graph_root, name)
        options = dict(self.settings.storage_options.get(name, {}))
        driver: StorageDriver = self._driver(
            "storage", name, called=root and home, home=home, options=options
        )
        return driver

    def runtime(self, name: str) -> OCIRuntime:
        """An OCI runtime: the name of a driver, of a table (in the settings, or kept), or a path.

        A table's `kind` says which driver it configures; without one that is the driver of its
        name, or of its binary's. A binary that no driver is for is taken for one like runc, whose
        command line podman expects of all.
        """
        if name.startswith("/"):
            driver = self._family(os.path.basename(name))
            table = {**self.settings.runtimes.get(driver, {}), "path": name}
        else:
            driver = name
            table = kept.table(self.settings, name)
        kind = str(table.pop("kind", "") or self._kind(driver, str(table.get("path", ""))))
        config = self._runtime_config(driver, table)
        made: OCIRuntime = self._driver("runtime", kind, called=name, config=config)
        return made

    def _kind(self, name: str, path: str) -> str:
        if not path:
            return name
        known = {entry.name for entry in self.available("runtime")}
        families = (name, self._family(os.path.basename(path)))
        return next((family for family in families if family in known), "runc")

    def _family(self, binary: str) -> str:
        """The driver for a binary: of its name, or the longest that it begins with (crun-1.20)."""
        known = [entry.name for entry in self.available("runtime") if binary.startswith(entry.name)]
        return max(known, key=len, default=binary)

    def _runtime_config(self, name: str, table: dict[str, Any]) -> RuntimeConfig:
        from ..cgroups.layout import choose_manager
        from ..contracts.runtime import RuntimeConfig

        allowed = table.pop("allowed_annotations", None)
        return RuntimeConfig(
            path=str(table.pop("path", "")),
            args=tuple(str(word) for word in table.pop("args", ())),
            root=table.pop("root", "") or kept.root(self.settings, name),
            privileged_without_host_devices=bool(
                table.pop("privileged_without_host_devices", False)
            ),
            allowed_annotations=None if allowed is None else tuple(allowed),
            default_annotations=dict(table.pop("default_annotations", {})),
            options={
                "conmon": self.settings.conmon,
                "monitor_env": self.settings.conmon_env,
                "no_pivot": self.settings.no_pivot_root,
                "no_new_keyring": not self.settings.keyring,
                **table,
            },
            systemd_cgroup=choose_manager(self.settings.cgroup_manager) == "systemd",
        )

    def network(self, name: str) -> NetworkPlugin:
        """A network plugin, with its state below the graph root and run root."""
        from pathlib import Path

        from ..contracts.network import NetworkSettings

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
                "default_subnet_pools": settings.default_subnet_pools,
                **settings.plugins.get(name, {}),
            },
        )
        driver: NetworkPlugin = self._driver("network", name, settings=configuration)
        return driver

    def transport(self, name: str) -> ImageTransport:
        """An image transport."""
        driver: ImageTransport = self._driver("transport", name)
        return driver

    def secret(self, name: str, options: Mapping[str, str] = EMPTY) -> SecretDriver:
        """A secret driver, with its home below the graph root.

        options: of a secret (`--driver-opts`), over those of the plugin's own table.
        """
        home = os.path.join(self.settings.graph_root, "secrets", name)
        merged = {**self.settings.plugins.get(name, {}), **options}
        called = f"{name} {sorted(options.items())}" if options else ""
        driver: SecretDriver = self._driver(
            "secret", name, called=called, home=home, options=merged
        )
        return driver

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

    def network_to_join(self) -> NetworkPlugin:
        """As `choose_network`, for a container that is to have a network.

        Raises DriverUnavailable where a plugin is installed that does not work here: `none` for it
        would be a container without a network that nobody has asked for.
        """
        from .choose import broken

        driver = self.choose_network()
        if driver.name == "none" and not self.settings.network_plugin:
            for name, reason in broken(self, "network", self.network):
                raise DriverUnavailable(
                    f"network plugin {name} does not work here: {reason}",
                    remedy="or use --network none or --network host",
                )
        return driver

    def entry(self, kind: str, name: str) -> EntryPoint:
        """The entry point of a driver. Raises PluginError, naming those that exist."""
        entries = self.available(kind)
        for entry in entries:
            if entry.name == name:
                return entry
        known = ", ".join(sorted(entry.name for entry in entries)) or "none"
        raise PluginError(f"there is no {kind} driver {name!r}", remedy=f"Installed here: {known}.")

    def _driver(self, kind: str, name: str, *, called: str = "", **arguments: object) -> Any:
        key = (kind, called or name)
        if key not in self._drivers:
            entry = self.entry(kind, name)
            driver = self._make(entry, kind, name=name, **arguments)
            contract = _check(entry, kind, driver)
            if not entry.shipped:
                from .guard import guard

                guard(entry, driver, contract, self._timeout(entry))
            self._drivers[key] = driver
        return self._drivers[key]

    def _make(self, entry: EntryPoint, kind: str, **arguments: object) -> object:
        hook = FACTORIES[kind][0]
        plugin = load(entry)
        if self._listened_to():
            return self._hooks().make(entry, plugin, hook, arguments)
        return attempt(entry, hook, lambda: call_one(plugin, hook, arguments))

    def _timeout(self, entry: EntryPoint) -> float | None:
        """How long any call of a driver may take; None: nobody said."""
        table = self.settings.plugins.get(entry.name, {})
        if "timeout" not in table:
            return None
        from .limits import limits

        return limits(entry.name, table).timeout

    # --- hooks

    def call(self, hook: str, **arguments: object) -> list[object]:
        """Call a lifecycle hook on all listeners; their answers that are not None.

        A listener that cannot be imported is left out with a warning, unless `on_failure` of its
        table says "closed": then that is its answer. One that raises, takes
        longer than its `timeout` or answers nonsense is a PluginError naming it where its
        answer counts (unless its `on_failure` is "open"), and a warning where it was only told.
        """
        return self._hooks().call(hook, arguments) if self._listened_to() else []

    def verdicts(self, image: ImageView, action: str) -> list[Verdict]:
        """What each admission hook says of an image: `policy test`. Raises nothing."""
        return self._hooks().verdicts(image, action) if self._listened_to() else []

    def _listened_to(self) -> bool:
        return KINDS["hooks"] in index() and bool(self.available("hooks"))

    def _hooks(self) -> Relay:
        if self._relay is None:
            from .relay import Relay

            self._relay = Relay(self.available("hooks"), self.settings.plugins)
        return self._relay


def call_one(plugin: object, hook: str, arguments: dict[str, object]) -> object:
    """Call one implementation with the arguments that it takes (as pluggy does)."""
    function: Callable[..., object] | None = getattr(plugin, hook, None)
    if function is None or not hasattr(function, "rundlet_impl"):
        return None
    code = function.__code__
    wanted = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return function(**{name: arguments[name] for name in wanted if name in arguments})


def _check(entry: EntryPoint, kind: str, driver: object) -> type:
    """What a factory made must be a driver of this contract, which is given. Raises PluginError."""
    hook, module, name = FACTORIES[kind]
    if driver is None:
        raise broken(entry, f"{hook} made no driver for the name {entry.name!r}")
    if not hasattr(driver, "contract_version"):
        raise broken(entry, f"{hook} made {driver!r}, which is no {name}")
    version = driver.contract_version
    oldest, newest = OLDEST_VERSIONS[kind], CONTRACT_VERSIONS[kind]
    if not isinstance(version, int) or not oldest <= version <= newest:
        known = f"{newest}" if oldest == newest else f"{oldest} to {newest}"
        raise broken(entry, f"is made for version {version} of the contract, not {known}")
    path = f"rundlet.core.contracts.{module}"
    __import__(path)
    contract: type = getattr(sys.modules[path], name)
    if not isinstance(driver, contract):
        raise broken(entry, f"{hook} made {driver!r}, which is no {name}")
    return contract
