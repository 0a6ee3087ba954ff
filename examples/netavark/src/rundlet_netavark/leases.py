"""Who has which address: what netavark was told for each container, kept until it is undone."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
from contextlib import contextmanager

from rundlet.core.errors import InvalidArgument, NetworkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any


class Leases:
    """A file per container, below run_dir: addresses mean nothing after a reboot."""

    def __init__(self, run_dir: str) -> None:
        self._run_dir = run_dir
        self._directory = f"{run_dir}/leases"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone, among all processes: netavark itself does not order its changes."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        descriptor = os.open(f"{self._run_dir}/lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def write(self, container: str, document: Mapping[str, Any]) -> None:
        """Note what a container is given."""
        path = f"{self._directory}/{container}"
        with open(f"{path}.tmp", "w", encoding="utf-8") as file:
            json.dump(document, file)
        os.replace(f"{path}.tmp", path)

    def read(self, container: str) -> dict[str, Any] | None:
        """What a container was given; None when nothing is left of that."""
        try:
            with open(f"{self._directory}/{container}", encoding="utf-8") as file:
                found: dict[str, Any] = json.load(file)
                return found
        except FileNotFoundError:
            return None

    def remove(self, container: str) -> None:
        """Forget a container."""
        os.unlink(f"{self._directory}/{container}")

    def containers(self) -> set[str]:
        """All that have something."""
        return {name for name in os.listdir(self._directory) if not name.endswith(".tmp")}

    def all(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Containers and what they were given."""
        for container in sorted(self.containers()):
            document = self.read(container)
            if document is not None:
                yield container, document

    def ports(self) -> list[Mapping[str, Any]]:
        """All published ports, as netavark has them."""
        return [port for _, document in self.all() for port in document["port_mappings"]]

    def addresses(self, definition: Mapping[str, Any], wished: Sequence[str]) -> list[str]:
        """An address in each subnet of a network: the one wished for, or the lowest free one.

        Raises InvalidArgument, NetworkError.
        """
        name = definition["name"]
        used = {
            ip
            for _, document in self.all()
            if name in document["networks"]
            for ip in document["networks"][name]["static_ips"]
        }
        wishes = [_address(text, name, used) for text in wished]
        found = []
        for one in definition["subnets"]:
            subnet = ipaddress.ip_network(one["subnet"])
            mine = [wish for wish in wishes if wish in subnet]
            wishes = [wish for wish in wishes if wish not in subnet]
            found += [str(wish) for wish in mine] or [_lowest(subnet, {*used, one["gateway"]})]
        if wishes:
            raise InvalidArgument(f"address {wishes[0]} is in no subnet of network {name}")
        return found


def _address(text: str, network: str, used: set[str]) -> Any:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise InvalidArgument(f"{text!r} is no address") from None
    if str(found) in used:
        raise NetworkError(f"address {found} of network {network} is in use")
    return found


def _lowest(subnet: Any, used: set[str]) -> str:
    for address in subnet.hosts():
        if str(address) not in used:
            return str(address)
    raise NetworkError(f"no free address is left in {subnet}")
