"""The verbs on a whole chain of plugins: ADD, DEL, CHECK, STATUS, GC (CNI specification, 3, 4)."""

from __future__ import annotations

from rundlet.core.errors import NetworkError
from rundlet.core.networks.interfaces import HOST_SIDE

from . import routes, rules, standard
from .config import from_document
from .execute import Call, PluginFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from .cache import Record
    from .config import NetworkConfig
    from .execute import Executor

_NOT_A_SETTING = {"type", "capabilities"}


class Chain:
    """The plugins of one attachment's network, called in turn."""

    def __init__(
        self,
        executor: Executor,
        record: Record,
        data_dir: str = "",
        *,
        in_process: bool = True,
        bridges: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._bridges = bridges
        self._executor = executor
        self.record = record
        self._data_dir = data_dir
        self._in_process = in_process
        self.network = from_document(record.document, f'network "{record.network}"')

    def add(self, note: Callable[[Record], None]) -> Record:
        """ADD all plugins in order; each is given the result of the one before.

        note: told of the record after each plugin. Raises NetworkError; nothing is undone.
        """
        record = self.record
        here: list[Mapping[str, Any]] = []
        for plugin in self._needed():
            config = self._config(plugin, record.result)
            if self._is_done_here(config):
                here.append(config)
                if config["type"] == "bridge":
                    from . import bridge

                    record = record.replace(result=bridge.add(config, self._call("ADD")))
            else:
                if plugin is self.network.plugins[0]:
                    self._refuse_ours()
                config, more = routes.split(config)
                result = self._executor.run(self.network.name, config, self._call("ADD"))
                record = record.replace(result=routes.add(record, result, more))
                if standard.has_rules(config):
                    here.append(config)  # no plugin makes its rules
            note(record)
        if here:
            rules.add(here, record, self._bridges)
        record = record.replace(complete=True)
        note(record)
        return record

    def publish(self) -> None:
        """ADD of the plugin that publishes ports alone, for an interface that is there."""
        for plugin in self.network.plugins:
            if plugin.get("capabilities", {}).get("portMappings"):
                config = self._config(plugin, self.record.result)
                self._executor.run(self.network.name, config, self._call("ADD"))

    def is_done_here(self) -> bool:
        """Whether some of its plugins, or their rules, are done in this process."""
        return any(
            self._is_done_here(self._config(plugin, {})) or standard.has_rules(plugin)
            for plugin in self._needed()
        )

    def _is_done_here(self, config: Mapping[str, Any]) -> bool:
        return self._in_process and standard.handles(config, self.record.arguments)

    def _refuse_ours(self) -> None:
        """The plugins would pass over the name of an interface on the host."""
        if standard.host_interface(self.record.arguments):
            raise NetworkError(
                f'network "{self.network.name}": plugins do not name interfaces on the host',
                remedy=f"leave out {HOST_SIDE}",
            )

    def check(self) -> None:
        """CHECK all plugins in order (since 0.4.0). Raises NetworkError."""
        if not self.network.reaches("0.4.0") or self.network.flag("disableCheck"):
            return
        for plugin in self._needed():
            config = self._config(plugin, self.record.result)
            try:
                self._executor.run(self.network.name, config, self._call("CHECK"))
            except PluginFailed as error:
                if not self._only_ipv6_missed(plugin, error):
                    raise

    def _only_ipv6_missed(self, plugin: Mapping[str, Any], error: PluginFailed) -> bool:
        """Whether portmap only misses rules for IPv6 addresses that the container has not.

        Releases up to 1.1.1 look for them on every host with ip6tables, after the IPv4 ones.
        """
        addresses = (str(ip.get("address")) for ip in self.record.result.get("ips", ()))
        return (
            plugin["type"] == "portmap"
            and error.words.startswith("could not check ipv6 dnat")
            and not any(":" in address for address in addresses)
        )

    def delete(self, namespace: str) -> None:
        """DEL all plugins in reverse order, also those after one that fails.

        namespace: "" when it is gone. Raises the first NetworkError.
        """
        previous = self.record.result if self.network.reaches("0.4.0") else {}
        here = [
            plugin
            for plugin in self._needed()
            if self._is_done_here(self._config(plugin, previous))
        ]
        failure: NetworkError | None = None
        for plugin in reversed(self._needed()):
            if plugin in here or (here and plugin["type"] == "portmap"):
                continue  # the rules of published ports go with the others
            try:
                config = self._config(plugin, previous)
                self._executor.run(self.network.name, config, self._call("DEL", namespace))
            except NetworkError as error:
                failure = failure or error
        try:
            self._delete_here(here, namespace)
        except NetworkError as error:
            failure = failure or error
        if failure is not None:
            raise failure

    def _delete_here(self, plugins: Sequence[Mapping[str, Any]], namespace: str) -> None:
        addresses: list[str] = []
        for plugin in plugins:
            if plugin["type"] == "bridge":
                from . import bridge

                config = self._config(plugin, self.record.result)
                addresses += bridge.delete(config, self._call("DEL", namespace))
        ours = bool(plugins) or any(map(standard.has_rules, self.network.plugins))
        if ours or not namespace:  # without it, bridge and ptp leave their masquerading
            rules.remove(self.record, addresses, last=ours)

    def _needed(self) -> Sequence[Mapping[str, Any]]:
        """The plugins that have something to do: each one costs a process.

        portmap without ports and tuning without anything to tune give back what they got.
        """
        return [plugin for plugin in self.network.plugins if not self._idle(plugin)]

    def _idle(self, plugin: Mapping[str, Any]) -> bool:
        if len(self.network.plugins) == 1:
            return False
        if plugin["type"] == "portmap":
            return not self.record.capabilities.get("portMappings")
        if plugin["type"] == "tuning":
            has_mac = "mac" in self.record.capabilities or "MAC=" in self.record.arguments
            return not has_mac and not set(plugin) - _NOT_A_SETTING
        return False

    def _call(self, command: str, namespace: str | None = None) -> Call:
        record = self.record
        where = record.namespace if namespace is None else namespace
        return Call(command, record.container, where, record.interface, record.arguments)

    def _config(self, plugin: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, Any]:
        """What a plugin reads (section 3, "Deriving execution configuration")."""
        config = derived(self.network, plugin, self._data_dir)
        wanted = plugin.get("capabilities", {})
        runtime = {key: value for key, value in self.record.capabilities.items() if wanted.get(key)}
        if runtime:
            config["runtimeConfig"] = runtime
        if previous:
            config["prevResult"] = previous
        return config


def derived(network: NetworkConfig, plugin: Mapping[str, Any], data_dir: str) -> dict[str, Any]:
    """A plugin's own part of the configuration, with the name and version of its network."""
    config = {key: value for key, value in plugin.items() if key != "capabilities"}
    ipam = config.get("ipam")
    if data_dir and ipam and ipam.get("type") == "host-local" and "dataDir" not in ipam:
        config["ipam"] = {**ipam, "dataDir": data_dir}
    return {**config, "name": network.name, "cniVersion": network.version}


def collect(
    executor: Executor,
    network: NetworkConfig,
    valid: Iterable[tuple[str, str]],
    data_dir: str,
) -> None:
    """GC all plugins (since 1.1.0): (container, interface) of what is to stay.

    Raises the first NetworkError, after all plugins were called.
    """
    if not network.reaches("1.1.0") or network.flag("disableGC"):
        return
    stay = [{"containerID": container, "ifname": interface} for container, interface in valid]
    failure: NetworkError | None = None
    for plugin in network.plugins:
        config = derived(network, plugin, data_dir)
        config["cni.dev/valid-attachments"] = stay
        try:
            if network.version in executor.versions(plugin["type"]):
                executor.run(network.name, config, Call("GC"))
        except NetworkError as error:
            failure = failure or error
    if failure is not None:
        raise failure


def status(executor: Executor, network: NetworkConfig, data_dir: str) -> list[str]:
    """Why the network cannot be joined now: versions, and STATUS of all plugins (since 1.1.0)."""
    reasons = []
    for plugin in network.plugins:
        kind = plugin["type"]
        try:
            spoken = executor.versions(kind)
            if network.version not in spoken:
                raise PluginFailed(
                    f'network "{network.name}": plugin "{kind}" does not speak cniVersion'
                    f" {network.version}, only {', '.join(spoken)}"
                )
            if network.reaches("1.1.0"):
                config = derived(network, plugin, data_dir)
                executor.run(network.name, config, Call("STATUS"))
        except NetworkError as error:
            reasons.append(error.message)
    return reasons
