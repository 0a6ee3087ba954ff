"""A container joins one more network, or leaves one, also while it runs."""

from __future__ import annotations

from ..contracts.network import AttachResult
from ..errors import AlreadyExists, NetworkError, WrongState
from ..state import containers as rows
from . import files, notify
from .exec import specification
from .network import LEFT_ALL, Joined, mode, named, names, wished
from .state import derive
from .stored import Network, network_of, network_text, request_of, request_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..contracts.network import InterfaceResult, NetworkRequest
    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest


def connect(engine: Engine, row: Container, wish: NetworkRequest) -> None:
    """Join a network, now where the container runs and in every later start.

    Raises NoSuchNetwork, AlreadyExists, WrongState (not of the bridge mode), NetworkError.
    """
    known = engine.networks.get(wish.network)
    wish = wish.replace(network=known.name)
    with engine.locks.hold("container", row.id):
        row, request = _fresh(engine, row)
        if known.name in names(engine, request):
            raise AlreadyExists(
                f'container {row.id} is already connected to network "{known.name}": network is'
                " already connected"
            )
        joined = network_of(row.network)
        if joined is not None:
            taken = {one.interface for one in (joined.result or AttachResult()).interfaces}
            (wish,) = named(engine, (wish,), taken)
            wish = wish.replace(interface=wish.interface or _free_interface(taken))
            _join(engine, row, joined, wish)
        wishes = (*wished(request), wish)
        _store(engine, row, request.replace(network="", networks=wishes))
        notify.network_event(engine, row, "connect", known.name)


def disconnect(engine: Engine, row: Container, name: str, *, force: bool = False) -> None:
    """Leave a network. force: also where the plugin fails.

    Raises NoSuchNetwork, NetworkError, also for one that it has not joined.
    """
    with engine.locks.hold("container", row.id):
        row, request = _fresh(engine, row)
        joined_names = names(engine, request)
        if name not in joined_names:
            name = engine.networks.get(name).name  # it may be the id
        if name not in joined_names:
            raise NetworkError(f"container {row.name} is not connected to network {name}")
        joined = network_of(row.network)
        if joined is not None:
            _leave(engine, row, joined, joined_names.index(name), name, force=force)
        pairs = zip(joined_names, wished(request), strict=True)
        left = tuple(wish for other, wish in pairs if other != name)
        network = "" if left else LEFT_ALL
        _store(engine, row, request.replace(network=network, networks=left))
        notify.network_event(engine, row, "disconnect", name)


def reload(engine: Engine, row: Container) -> None:
    """Make the rules and interfaces of a running container anew (after a firewall was flushed).

    Raises WrongState for one that does not run, NetworkError.
    """
    with engine.locks.hold("container", row.id):
        row, request = _fresh(engine, row)
        joined = network_of(row.network)
        if joined is None or joined.result is None:
            raise WrongState(
                f"container {row.id} has no network to reload: container state improper"
            )
        engine.networks.detach(joined.attachment, joined.result, joined.plugin)
        attachment = joined.attachment.replace(networks=_same_addresses(joined))
        result = engine.networks.attach(attachment, joined.plugin)
        _note(engine, row, request, Network(joined.plugin, attachment, result))


def _same_addresses(joined: Network) -> tuple[NetworkRequest, ...]:
    """The wishes with the addresses that the container has now, which it is to keep."""
    interfaces = joined.result.interfaces if joined.result is not None else ()
    return tuple(
        wish.replace(
            interface=have.interface,
            mac=have.mac or wish.mac,
            ips=tuple(address.address.partition("/")[0] for address in have.addresses),
        )
        for wish, have in zip(joined.attachment.networks, interfaces, strict=False)
    )


def _fresh(engine: Engine, row: Container) -> tuple[Container, ContainerRequest]:
    fresh = derive(engine, rows.find(engine.database, row.id))
    request = request_of(fresh.request)
    if mode(engine, request) != "networks":
        raise WrongState(
            f'"{request.network or mode(engine, request)}" is not supported: invalid network mode'
        )
    return fresh, request


def _join(engine: Engine, row: Container, joined: Network, wish: NetworkRequest) -> None:
    before = joined.result or AttachResult()
    # Who has left all networks publishes again, with the numbers that were chosen once.
    published = before.ports and before.interfaces
    ports = () if published else request_of(row.request).ports
    alone = joined.attachment.replace(networks=(wish,), ports=ports)
    got = engine.networks.attach(alone, joined.plugin)
    attachment = joined.attachment.replace(networks=(*joined.attachment.networks, wish))
    result = before.replace(
        interfaces=(*before.interfaces, *got.interfaces),
        ports=got.ports or before.ports,
        nameservers=(*before.nameservers, *got.nameservers),
        raw={**before.raw, **got.raw},
    )
    _note(engine, row, request_of(row.request), Network(joined.plugin, attachment, result))


def _leave(
    engine: Engine, row: Container, joined: Network, place: int, name: str, *, force: bool
) -> None:
    attachment, before = joined.attachment, joined.result or AttachResult()
    mine = tuple(one for one in before.interfaces if one.network == name)
    others = tuple(one for one in before.interfaces if one.network != name)
    wish = attachment.networks[place]
    alone = attachment.replace(networks=(wish,))
    try:
        engine.networks.detach(alone, before.replace(interfaces=mine), joined.plugin)
    except Exception:  # whatever keeps its plugin from it: force
        if not force:
            raise
    kept = tuple(one for number, one in enumerate(attachment.networks) if number != place)
    gone = _gateways(mine) - _gateways(others)  # where their servers of names listen
    result = before.replace(
        interfaces=others,
        ports=before.ports if others else (),
        nameservers=tuple(one for one in before.nameservers if one not in gone),
    )
    left = Network(joined.plugin, attachment.replace(networks=kept), result)
    _note(engine, row, request_of(row.request), left)


def _gateways(interfaces: Iterable[InterfaceResult]) -> set[str]:
    return {address.gateway for one in interfaces for address in one.addresses}


def _note(engine: Engine, row: Container, request: ContainerRequest, network: Network) -> None:
    """Store what is attached now, and tell it in the container's hosts and resolv.conf."""
    rows.update(engine.database, row.id, network=network_text(network))
    namespace = network.attachment.namespace
    path = str(namespace) if namespace is not None else None
    joined = Joined(path, network.attachment.hostname, network.result)
    files.write(engine, row, request, joined, str(specification(engine, row)["root"]["path"]))


def _store(engine: Engine, row: Container, request: ContainerRequest) -> None:
    rows.update(engine.database, row.id, request=request_text(request))


def _free_interface(taken: set[str]) -> str:
    number = 0
    while f"eth{number}" in taken:
        number += 1
    return f"eth{number}"
