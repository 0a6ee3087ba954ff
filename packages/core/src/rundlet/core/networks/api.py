"""The networks of an engine: what `engine.networks` is."""

from __future__ import annotations

from ..contracts.network import AttachResult
from ..errors import (
    AmbiguousName,
    InUse,
    InvalidArgument,
    NetworkError,
    NoSuchNetwork,
    PluginError,
    RundletError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.network import Attachment, Network, NetworkPlugin
    from ..engine import Engine

_MODES = (
    "none", "host", "bridge", "private", "slirp4netns", "pasta", "container", "ns", "default",
)  # fmt: skip
"""What `--network` takes for something else than a network of that name (podman's list)."""


class Networks:
    """Namespaces joined to networks by the chosen plugin.

    plugin: a name; "" is the one that the settings name or the first that works here.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._plugins = engine.plugins

    def attach(self, attachment: Attachment, plugin: str = "") -> AttachResult:
        """Join the namespace of the attachment to its networks and publish its ports.

        Raises NetworkError, or PluginError for a plugin that breaks its contract; the
        plugin has been told to detach then.
        """
        driver = self._plugin(plugin)
        try:
            result = driver.attach(attachment)
            if not isinstance(result, AttachResult):
                raise PluginError(
                    f"network plugin {driver.name}: attach gave {result!r}, which is no result"
                )
        except (RundletError, OSError) as error:
            self._undo(driver, attachment)
            if isinstance(error, RundletError):
                raise
            raise NetworkError(f"network plugin {driver.name}: {error}") from error
        except Exception as error:  # of any type: it is a plugin's
            self._undo(driver, attachment)
            raise PluginError(f"network plugin {driver.name}: attach failed: {error!r}") from error
        return result

    def _undo(self, driver: NetworkPlugin, attachment: Attachment) -> None:
        """A plugin cleans up itself (NETWORK-ATTACH-UNDO); one at fault may not have."""
        try:
            driver.detach(attachment, AttachResult())
        except Exception as error:  # a plugin's
            import sys

            sys.stderr.write(f"WARN[0000] network plugin {driver.name}: detach: {error}\n")

    def detach(self, attachment: Attachment, result: AttachResult, plugin: str = "") -> None:
        """Undo `attach`; succeeds for what is gone. Raises NetworkError, PluginError."""
        driver = self._plugin(plugin)
        try:
            driver.detach(attachment, result)
        except RundletError:
            raise
        except OSError as error:
            raise NetworkError(f"network plugin {driver.name}: detach: {error}") from error
        except Exception as error:  # a plugin's
            raise PluginError(f"network plugin {driver.name}: detach failed: {error!r}") from error

    def rename(self, attachment: Attachment, name: str, plugin: str = "") -> None:
        """An attached container has another name now. Raises NetworkError."""
        self._plugin(plugin).rename(attachment, name)

    def check(self, attachment: Attachment, result: AttachResult, plugin: str = "") -> None:
        """Raise NetworkError if the attachment is no longer as the result says."""
        self._plugin(plugin).check(attachment, result)

    def collect(self, valid: Sequence[Attachment], plugin: str = "") -> None:
        """Undo what belongs to no attachment of these. Raises NetworkError."""
        self._plugin(plugin).collect(valid)

    def status(self, plugin: str = "") -> Sequence[str]:
        """Why containers cannot be attached now; empty when they can."""
        return self._plugin(plugin).status()

    def damage(self, plugin: str = "") -> Sequence[str]:
        """What attached containers are without, in words; `mend` brings it back."""
        return self._plugin(plugin).damage()

    def mend(self, plugin: str = "") -> None:
        """Bring back what `damage` tells of. Raises NetworkError."""
        self._plugin(plugin).mend()

    # --- named networks

    def list(self) -> Sequence[Network]:
        """The networks of the plugin that is used here, the default first."""
        return self._plugin("").networks()

    def get(self, name: str) -> Network:
        """The network of a name, an id or a unique beginning of an id.

        Raises NoSuchNetwork, AmbiguousName.
        """
        everything = self.list()
        for network in everything:
            if name in (network.name, network.id):
                return network
        found = [network for network in everything if name and network.id.startswith(name)]
        if not found:
            raise NoSuchNetwork(name)
        if len(found) > 1:
            raise AmbiguousName(f"more than one result for network ID {name}")
        return found[0]

    def create(self, network: Network) -> Network:
        """Define a network; empty fields are filled in. An empty name is generated.

        Raises AlreadyExists, InvalidArgument, NotSupported.
        """
        if network.name in _MODES:
            raise InvalidArgument(
                f'cannot create network with name "{network.name}" because it conflicts with a'
                " valid network mode"
            )
        if not network.name:
            network = network.replace(name=self._free_name())
        made = self._plugin("").create_network(network)
        self._note("create", made)
        return made

    def _free_name(self) -> str:
        taken = {network.name for network in self.list()}
        number = 1
        while f"podman{number}" in taken:
            number += 1
        return f"podman{number}"

    def update(
        self, name: str, *, dns_add: Sequence[str] = (), dns_drop: Sequence[str] = ()
    ) -> Network:
        """Change the nameservers of a network. Raises NoSuchNetwork, InvalidArgument."""
        network = self.get(name)
        made = self._plugin("").update_network(network.name, dns_add=dns_add, dns_drop=dns_drop)
        self._note("update", made)
        return made

    def remove(self, name: str, *, force: bool = False, timeout: int | None = None) -> Network:
        """Remove a network.

        force: the containers that use it too; timeout: seconds that they have to stop. Raises
        NoSuchNetwork, InvalidArgument for the default one, InUse where containers use it.
        """
        network = self.get(name)
        if network.name == self._engine.settings.default_network:
            raise InvalidArgument(f"default network {network.name} cannot be removed")
        if force:
            containers = self._engine.containers
            for container in containers.dependents_first(self.users(network.name)):
                containers.remove(container, force=True, timeout=timeout)
        users = self.users(network.name)
        if users:
            raise InUse(
                f'"{network.name}" has associated containers with it. Use -f to forcibly delete'
                " containers and pods: network is being used"
            )
        self._plugin("").remove_network(network.name)
        self._note("remove", network)
        return network

    def users(self, name: str) -> Sequence[str]:
        """Ids of all containers, running or not, that join a network."""
        from ..containers.network import names
        from ..containers.stored import request_of

        rows = self._engine.database.rows("SELECT id, request FROM containers ORDER BY created")
        return [
            str(container)
            for container, request in rows
            if name in names(self._engine, request_of(request))
        ]

    def _note(self, action: str, network: Network) -> None:
        from ..state import events

        events.note(
            self._engine.database,
            "network",
            action,
            network.id,
            network.name,
            {"driver": network.driver},
            self._plugins,
        )

    def _plugin(self, name: str) -> NetworkPlugin:
        if name:
            return self._plugins.network(name)
        return self._plugins.choose_network()
