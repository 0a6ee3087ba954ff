"""Ports that a container exposes: `--expose` and EXPOSE, and what `--publish-all` makes of them."""

from __future__ import annotations

from ..contracts.network import PortMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ..contracts.network import Protocol
    from .request import ContainerRequest


def ports(texts: Iterable[str]) -> Iterator[tuple[int, Protocol]]:
    """The ports of `PORT[-PORT][/PROTOCOL]` texts, one by one; tcp where none is said."""
    for text in texts:
        numbers, _, said = text.partition("/")
        first, _, last = numbers.partition("-")
        protocol: Protocol = "udp" if said == "udp" else "sctp" if said == "sctp" else "tcp"
        for number in range(int(first), int(last or first) + 1):
            yield number, protocol


def bound(request: ContainerRequest, addresses: Sequence[str]) -> ContainerRequest:
    """With what is published to no address of the host published to each of these."""
    if not addresses:
        return request
    ports = [
        port.replace(host_ip=address)
        for port in request.ports
        for address in ((port.host_ip,) if port.host_ip else addresses)
    ]
    return request.replace(ports=tuple(ports))


def published(request: ContainerRequest, image: Mapping[str, Any]) -> ContainerRequest:
    """With `--publish-all`, a free port of the host for each exposed one that has none yet.

    image: its config (image-spec config.md).
    """
    if not request.publish_all:
        return request
    texts = [text.lower() for text in (*(image.get("ExposedPorts") or {}), *request.expose)]
    taken = {
        (port.container_port + number, port.protocol)
        for port in request.ports
        for number in range(port.size)
    }
    wanted = [one for one in dict.fromkeys(ports(texts)) if one not in taken]
    more = [PortMapping(number, protocol=protocol) for number, protocol in wanted]
    return request.replace(ports=(*request.ports, *more))


def picked(request: ContainerRequest, others: str) -> ContainerRequest:
    """With a free port of the host where none was said. others: what containers publish."""
    from ..networks.host_ports import picked as free_of

    ports = []
    for port in request.ports:
        ports.append(port if port.host_port else free_of(port, others))
        others += f", :{ports[-1].host_port}->"
    return request.replace(ports=tuple(ports))
