"""The network of a container: which namespace it gets, and what joins it to networks."""

from __future__ import annotations

from ..contracts.network import Attachment, AttachResult, NetworkRequest
from ..errors import InvalidArgument, NetworkError, NoSuchNetwork
from ..networks.namespace import create_namespace, remove_namespace
from ..state import containers as rows
from ..value import Value
from .joined import path_of
from .paths import Paths
from .stored import Network, network_of, network_text, request_of, request_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from ..contracts.network import Network as Definition
    from ..engine import Engine
    from ..linux.userns import UserNamespace
    from ..state.containers import Container
    from .request import ContainerRequest

_LONGEST_HOSTNAME = 64  # HOST_NAME_MAX, sethostname(2)


class Joined(Value):
    """The container's network as the spec and its files need it.

    namespace: path to join, "" for a new one of the runtime's, None for the host's.
    hostname: in its UTS namespace. result: what the plugin did, None when there was none.
    """

    namespace: str | None
    hostname: str
    result: AttachResult | None = None


_DEFAULT = ("", "bridge", "default", "private")
"""What `--network` calls the default network; podman: a new namespace is a bridge's."""
LEFT_ALL = "bridge:left"
"""`request.network` of a container that has left its last network and may join another."""


def mode(engine: Engine, request: ContainerRequest) -> str:
    """ "none", "host", "container:..", "ns:.." or "networks"."""
    asked = request.network
    if asked in ("none", "host") or asked.startswith(("container:", "ns:")):
        return asked
    if not asked and not request.networks and engine.settings.network_plugin in ("none", "host"):
        return engine.settings.network_plugin
    return "networks"


def owner(
    engine: Engine, request: ContainerRequest
) -> AbstractContextManager[UserNamespace | None]:
    """`with owner(engine, request) as users`: the user namespace of a container that gets both
    this and a network of its own; None for others.

    The network namespace must belong to it: only then may the container mount its sysfs, and
    see its own interfaces there in place of the host's. The runtime joins it within the block.
    Raises InvalidArgument for maps that the kernel refuses, StoreError where there can be none.
    """
    from contextlib import nullcontext

    uids, gids = request.uid_map or request.gid_map, request.gid_map or request.uid_map
    joins = request.userns == "host" or request.userns.startswith(("container:", "ns:"))
    if not uids or joins or mode(engine, request) != "networks":
        return nullcontext()
    from ..linux.userns import UserNamespace
    from ..storage.idmap import text

    return UserNamespace(text(uids), text(gids), ["net"])


def attach(
    engine: Engine, row: Container, request: ContainerRequest, users: UserNamespace | None = None
) -> Joined:
    """Give the container its network; users: who shall own it. Raises NetworkError, leaving
    nothing."""
    chosen = mode(engine, request)
    hostname = _hostname(engine, row, request, chosen)
    if chosen == "host":
        return Joined(None, hostname)
    if chosen == "none":
        return Joined("", hostname)
    if chosen.startswith("ns:"):
        return Joined(chosen.removeprefix("ns:"), hostname)
    if chosen.startswith("container:"):
        name = chosen.removeprefix("container:")
        return Joined(path_of(engine, name, "net"), hostname)
    made = users.file("net") if users is not None else ""
    return _attach(engine, row, request, hostname, made)


def _attach(
    engine: Engine, row: Container, request: ContainerRequest, hostname: str, made: str
) -> Joined:
    from pathlib import Path

    driver = engine.plugins.network_to_join()
    plugin = driver.name
    if plugin == "none" and not engine.settings.network_plugin:
        _say_that_there_is_none(request)
    path = Paths(engine, row.id).netns if driver.own_namespace else None
    attachment = Attachment(
        container=row.id,
        name=row.name,
        namespace=Path(path) if path is not None else None,
        networks=named(engine, wished(request)),
        ports=request.ports,
        hostname=hostname,
        dns=request.dns,
        labels=request.labels,
    )
    # Noted before it is done: what a killed process leaves half attached can be detached.
    _note(engine, row, Network(plugin, attachment))
    try:
        if path is not None:
            create_namespace(path, made)
        result = engine.networks.attach(attachment, plugin)
    except BaseException:
        if path is not None:
            remove_namespace(path)
        rows.update(engine.database, row.id, network="")
        raise
    _note(engine, row, Network(plugin, attachment, result))
    if result.ports and result.ports != request.ports:
        _keep_ports(engine, row, result)
    return Joined(path, hostname, result)


def _say_that_there_is_none(request: ContainerRequest) -> None:
    """No plugin that has networks is installed: what was asked for by name cannot be had.

    Raises NetworkError; a container that only takes the default gets a warning.
    """
    remedy = "pip install rundlet-net-cni, or use --network none or --network host"
    if request.ports or request.network or request.networks:
        raise NetworkError("no network plugin is installed that has networks", remedy=remedy)
    from .bundle import warn

    warn((f"no network plugin is installed: the container has no network ({remedy})",))


def _keep_ports(engine: Engine, row: Container, result: AttachResult) -> None:
    """Ports that the plugin chose are the container's from now on: a restart asks for them."""
    from .create import ports_text

    request = request_of(row.request).replace(ports=result.ports)
    rows.update(engine.database, row.id, ports=ports_text(request), request=request_text(request))


def named(
    engine: Engine, wishes: tuple[NetworkRequest, ...], taken: Iterable[str] = ()
) -> tuple[NetworkRequest, ...]:
    """The wishes, with the names of interfaces that the settings give, but for those in use."""
    if engine.settings.interface_name != "device":
        return wishes
    from ..networks.interfaces import after_devices

    known = {network.name: network for network in engine.networks.list()}
    return after_devices(wishes, known, engine.settings.default_network, taken)


def _note(engine: Engine, row: Container, network: Network) -> None:
    rows.update(engine.database, row.id, network=network_text(network))


def wished(request: ContainerRequest) -> tuple[NetworkRequest, ...]:
    """The networks to join, in order; an empty name is the default network."""
    if request.networks:
        return request.networks
    if request.network == LEFT_ALL:
        return ()
    names = [name for name in request.network.split(",") if name not in _DEFAULT]
    return tuple(NetworkRequest(name) for name in names) or (NetworkRequest(),)


def names(engine: Engine, request: ContainerRequest) -> tuple[str, ...]:
    """The networks that a container joins when it runs; () for other modes."""
    if mode(engine, request) != "networks":
        return ()
    default = engine.settings.default_network
    return tuple(network.network or default for network in wished(request))


def check(engine: Engine, request: ContainerRequest) -> None:
    """The networks that are named must be there, and have the addresses that are asked for.

    So must the names of interfaces be. The default network, which most containers join, is looked
    for by the start only. Raises NoSuchNetwork, InvalidArgument.
    """
    if any(wish.interface or wish.options for wish in request.networks):
        from ..networks import interfaces

        interfaces.check(request.networks)
    default = engine.settings.default_network
    named = [name for name in names(engine, request) if name != default]
    fixed = [wish for wish in wished(request) if wish.ips] if request.networks else []
    if named or fixed:
        known = {network.name: network for network in engine.networks.list()}
        missing = [name for name in named if name not in known]
        if missing:
            raise NoSuchNetwork(missing[0])
        for wish in fixed:
            _fits(known.get(wish.network or default), wish)


def _fits(network: Definition | None, wish: NetworkRequest) -> None:
    if network is None or not network.subnets:
        return
    from ipaddress import ip_address, ip_network

    subnets = [ip_network(subnet["subnet"], strict=False) for subnet in network.subnets]
    for ip in wish.ips:
        if not any(ip_address(ip) in subnet for subnet in subnets):
            raise InvalidArgument(
                f"requested static ip {ip} not in any subnet on network {network.name}"
            )


def _hostname(engine: Engine, row: Container, request: ContainerRequest, chosen: str) -> str:
    if "host" in (request.uts, chosen):
        import os

        return request.hostname or os.uname().nodename
    name = ""
    if engine.settings.container_name_as_hostname:  # without what a host may not be called
        name = row.name.replace("_", "").strip("-.")[:_LONGEST_HOSTNAME]
    return request.hostname or name or row.id[:12]


def detach(engine: Engine, container: str) -> None:
    """Undo `attach`, also a half-done one; nothing happens when nothing was attached.

    Raises NetworkError when the plugin fails: then the attachment stays noted.
    """
    row = rows.by_id(engine.database, container)
    network = network_of(row.network) if row is not None else None
    if network is None:
        return
    result = network.result or AttachResult()
    engine.networks.detach(network.attachment, result, network.plugin)
    if network.attachment.namespace is not None:
        remove_namespace(str(network.attachment.namespace))
    rows.update(engine.database, container, network="")
