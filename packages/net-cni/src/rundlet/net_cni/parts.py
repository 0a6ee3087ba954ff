"""What the settings of the plugin come to: where things are, and who does them."""

from __future__ import annotations

import os

from rundlet.core.errors import NetworkError, NoSuchNetwork

from .cache import Cache
from .chain import Chain
from .config import find
from .default import SUBNET, default_network
from .execute import TIMEOUT, Executor
from .host import Host
from .names import Names
from .ports import Ports
from .subnets import POOLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from rundlet.core.contracts.network import NetworkSettings

    from .cache import Record
    from .config import NetworkConfig


class Parts:
    """Executor, records, ports and locks of one engine."""

    def __init__(self, settings: NetworkSettings) -> None:
        options = settings.options
        timeout = float(options.get("timeout", TIMEOUT))
        self.executor = Executor([str(path) for path in settings.plugin_dirs], timeout)
        self.directories = [str(path) for path in settings.config_dirs]
        self.cache = Cache(os.path.join(settings.state_dir, "cni"))
        self.host = Host(str(settings.run_dir))
        self.ports = Ports(os.path.join(settings.run_dir, "ports"), self.attached)
        self.names = Names(str(settings.run_dir), self.cache, self.host)
        self.default = settings.default_network
        self.subnet = str(options.get("default_subnet") or SUBNET)
        self.pools = tuple(options.get("default_subnet_pools") or POOLS)
        self.data_dir = str(options.get("data_dir", ""))
        self.in_process = bool(options.get("in_process", True))

    def network(self, name: str) -> NetworkConfig:
        """The network of a name, "" for the default. Raises NoSuchNetwork, NetworkError."""
        name = name or self.default
        found = find(self.directories, name)
        if found is not None:
            return found
        if not name:
            raise NetworkError(
                f"no network is configured in {', '.join(self.directories)}",
                remedy="Put a CNI configuration (*.conflist) there.",
            )
        if name == self.default:
            return default_network(name, self.subnet)
        raise NoSuchNetwork(name)

    def chain(self, record: Record) -> Chain:
        """The plugins of an interface's network."""
        return Chain(
            self.executor,
            record,
            self.data_dir,
            in_process=self.in_process,
            bridges=self.bridges,
        )

    def bridges(self) -> set[str]:
        """The bridges that containers are attached to."""
        first = (one.document["plugins"][0] for one in self.cache.all() if one.attached_to())
        return {str(plugin["bridge"]) for plugin in first if plugin.get("bridge")}

    def held(self, container: str) -> Held:
        """Alone with a container's networks; plugins that are called here keep the lock too."""
        return Held(self, container)

    def attached(self, container: str) -> bool:
        """Whether a namespace of this container is joined to anything."""
        return any(record.attached_to() for record in self.cache.of(container))


class Held:
    """The lock on a container's networks, held while inside `with`."""

    def __init__(self, parts: Parts, container: str) -> None:
        self._executor = parts.executor
        self._lock = parts.host.attachment(container, parts.executor.timeout)
        self._before: tuple[int, ...] = ()

    def __enter__(self) -> None:
        self._before = self._executor.keep
        self._executor.keep = (*self._before, self._lock.__enter__())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._executor.keep = self._before
        self._lock.__exit__(kind, error, trace)
