"""The packet filter rules of attachments, as the plugins bridge and firewall make them.

The plugins start iptables for each rule. Here the rules are read once (iptables-save) and
changed at once (iptables-restore --noflush): per table either all of a change is done or
nothing of it. The names and texts are the plugins' own (release 1.1.1), so that what one
made the other finds: chains CNI-FORWARD and CNI-ADMIN of firewall, a chain per attachment
of bridge's masquerading, and CNI-HOSTPORT-* of portmap, which stays a process.

What is shared is removed with the last that used it.
"""

from __future__ import annotations

import os
from hashlib import sha512
from itertools import pairwise

from rundlet.core.errors import NetworkError
from rundlet.core.linux.processes import run
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PLACES = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin")
_FORWARD = '-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD'
_ADMIN = '-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN'
_RESTRICTED = "CNI-RUNDLET-RESTRICTED"
_TO_RESTRICTED = f"-A CNI-FORWARD -j {_RESTRICTED}"
_OTHERS = "CNI-RUNDLET-OTHERS"
_MULTICAST = {4: "224.0.0.0/4", 6: "ff00::/8"}
_PORT_CHAINS = ("CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ")


class Masquerade(Value):
    """Addresses of one attachment that are hidden behind the host's, with their subnets."""

    network: str
    container: str
    addresses: tuple[tuple[str, str], ...]


def chain_name(network: str, container: str) -> str:
    """The chain of a container: CNI- and the first 24 digits of a SHA-512 over both names."""
    return "CNI-" + sha512((network + container).encode()).hexdigest()[:24]


def port_chain_name(network: str, container: str) -> str:
    """portmap's chain of a container: no more than 28 characters in all."""
    return ("CNI-DN-" + sha512((network + container).encode()).hexdigest())[:28]


class Family:
    """The tables of IPv4 or IPv6 as they are now, and a change that is being put together."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.program = find("iptables" if version == 4 else "ip6tables")
        self._chains: dict[str, set[str]] = {"filter": set(), "nat": set()}
        self._rules: dict[str, list[str]] = {"filter": [], "nat": []}
        self._changes: dict[str, list[str]] = {"filter": [], "nat": []}
        self._dead: dict[str, list[str]] = {"filter": [], "nat": []}
        if self.program:
            self._load()

    def _load(self) -> None:
        done = run([f"{self.program}-save"])
        if done.code != 0:  # no such tables in this kernel: nothing can be in them
            return
        table = ""
        for line in done.stdout.decode(errors="replace").splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif table in self._rules:
                if line.startswith(":"):
                    self._chains[table].add(line[1:].partition(" ")[0])
                elif line.startswith("-A "):
                    self._rules[table].append(line)

    # --- making

    def forward(self, addresses: Iterable[str]) -> None:
        """firewall: let addresses be forwarded, and what belongs to their connections."""
        self._forward_chain()
        for address in addresses:
            for rule in self._forwarding(address):
                if rule not in self._rules["filter"]:
                    self._changes["filter"].append(rule)

    def _forward_chain(self) -> None:
        self._chain("filter", "CNI-FORWARD")
        self._chain("filter", "CNI-ADMIN")
        if _FORWARD not in self._rules["filter"]:
            self._changes["filter"].append(_FORWARD.replace("-A FORWARD", "-I FORWARD 1"))
        if _ADMIN not in self._rules["filter"]:
            self._changes["filter"].append(_ADMIN.replace("-A CNI-FORWARD", "-I CNI-FORWARD 1"))

    def _forwarding(self, address: str) -> Sequence[str]:
        whole = f"{address}/{32 if self.version == 4 else 128}"
        return (
            f"-A CNI-FORWARD -d {whole} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            f"-A CNI-FORWARD -s {whole} -j ACCEPT",
        )

    def close(self, bridge: str) -> None:
        """internal networks: nothing is forwarded from a bridge, or to it."""
        self._restrict(f"-i {bridge} ! -o {bridge} -j DROP", f"! -i {bridge} -o {bridge} -j DROP")

    def isolate(self, bridge: str, others: Iterable[str]) -> None:
        """isolate=strict: nothing is forwarded from a bridge to others of containers."""
        self._chain("filter", _OTHERS)
        self._restrict(f"-i {bridge} ! -o {bridge} -j {_OTHERS}")
        for other in others:
            self.fence(other)

    def fence(self, bridge: str) -> None:
        """Nothing is forwarded to a bridge of containers from those that are isolated."""
        if _OTHERS in self._chains["filter"]:
            self._append(f"-A {_OTHERS} -o {bridge} -j DROP")

    def _restrict(self, *rules: str) -> None:
        """The administrator's chain comes before, those that let addresses through come after."""
        self._forward_chain()
        self._chain("filter", _RESTRICTED)
        if _TO_RESTRICTED not in self._rules["filter"]:
            self._changes["filter"].append(
                _TO_RESTRICTED.replace("-A CNI-FORWARD", "-I CNI-FORWARD 2")
            )
        for rule in rules:
            self._append(f"-A {_RESTRICTED} {rule}")

    def _append(self, rule: str) -> None:
        if rule not in self._rules["filter"] + self._changes["filter"]:
            self._changes["filter"].append(rule)

    def masquerade(self, wish: Masquerade) -> None:
        """bridge: hide addresses behind the host's when they talk to others than their subnet."""
        chain = chain_name(wish.network, wish.container)
        comment = f'-m comment --comment "name: \\"{wish.network}\\" id: \\"{wish.container}\\""'
        self._chain("nat", chain)
        for address, subnet in wish.addresses:
            whole = f"{address}/{32 if self.version == 4 else 128}"
            self._changes["nat"] += [
                f"-A {chain} -d {subnet} {comment} -j ACCEPT",
                f"-A {chain} ! -d {_MULTICAST[self.version]} {comment} -j MASQUERADE",
                f"-A POSTROUTING -s {whole} {comment} -j {chain}",
            ]

    def _chain(self, table: str, name: str) -> None:
        if name not in self._chains[table]:
            self._chains[table].add(name)
            self._changes[table].append(f"-N {name}")

    # --- removing

    def remove(self, network: str, container: str, addresses: Iterable[str]) -> None:
        """Take out the rules of an attachment, whichever of them are there."""
        for chain in (chain_name(network, container), port_chain_name(network, container)):
            self._drop("nat", [line for line in self._rules["nat"] if _jumps(line, chain)])
            self._drop_chain("nat", chain)
        unwanted = {rule for address in addresses for rule in self._forwarding(address)}
        self._drop("filter", [line for line in self._rules["filter"] if line in unwanted])

    def restricted(self) -> set[str]:
        """The bridges of which `close`, `isolate` and `fence` have made rules."""
        lines = [line.split(" ") for line in self._restrictions()]
        return {word for line in lines for before, word in pairwise(line) if before in ("-i", "-o")}

    def open(self, bridge: str) -> None:
        """Undo these."""
        self._drop("filter", [line for line in self._restrictions() if f" {bridge} " in line])

    def _restrictions(self) -> list[str]:
        chains = (f"-A {_RESTRICTED} ", f"-A {_OTHERS} ")
        return [line for line in self._rules["filter"] if line.startswith(chains)]

    def sweep(self) -> None:
        """Take out what attachments share, where nobody uses it any more."""
        rules = self._rules["filter"]
        if not any(line.endswith(f" -j {_OTHERS}") for line in rules):
            self._drop_chain("filter", _OTHERS)
        if not any(line.startswith(f"-A {_RESTRICTED} ") for line in rules):
            self._drop("filter", [line for line in rules if line == _TO_RESTRICTED])
            self._drop_chain("filter", _RESTRICTED)
        rules = self._rules["filter"]
        mine = [line for line in rules if line.startswith(("-A CNI-FORWARD ", "-A CNI-ADMIN "))]
        if mine in ([], [_ADMIN]):  # nothing of containers, and nothing that an admin put there
            self._drop("filter", [line for line in rules if line in (_FORWARD, _ADMIN)])
            self._drop_chain("filter", "CNI-FORWARD")
            self._drop_chain("filter", "CNI-ADMIN")
        rules = self._rules["nat"]
        if not any(line.startswith("-A CNI-HOSTPORT-DNAT ") for line in rules):
            for chain in _PORT_CHAINS:
                self._drop("nat", [line for line in rules if _jumps(line, chain)])
            for chain in _PORT_CHAINS:
                self._drop_chain("nat", chain)

    def _drop(self, table: str, lines: Iterable[str]) -> None:
        for line in lines:
            self._rules[table].remove(line)
            self._changes[table].append(f"-D {line[3:]}")

    def _drop_chain(self, table: str, name: str) -> None:
        if name in self._chains[table]:
            self._chains[table].remove(name)
            self._rules[table] = [r for r in self._rules[table] if not r.startswith(f"-A {name} ")]
            self._dead[table].append(name)

    # --- doing

    def commit(self) -> None:
        """Do what was asked for. Raises NetworkError with iptables' own words."""
        texts = {table: self._text(table) for table in self._changes}
        blocks = [f"*{table}\n{text}COMMIT\n" for table, text in texts.items() if text]
        if not blocks:
            return
        if not self.program:
            name = "iptables" if self.version == 4 else "ip6tables"
            raise NetworkError(
                f"{name} not found in {', '.join(_PLACES)}",
                remedy="Install it: apt-get install iptables",
            )
        command = [f"{self.program}-restore", "--noflush", "--wait"]
        done = run(command, stdin="".join(blocks).encode())
        if done.code != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise NetworkError(f"{command[0]}: {said}")

    def _text(self, table: str) -> str:
        """The changes of a table, a line each.

        A chain that goes is flushed once, without removing its rules one by one before:
        iptables-nft 1.8 does not take both in one change.
        """
        dead = self._dead[table]
        lines = [
            line
            for line in self._changes[table]
            if not (line.startswith("-D ") and line.split(" ", 2)[1] in dead)
        ]
        lines += [f"{option} {chain}" for option in ("-F", "-X") for chain in dead]
        return "".join(f"{line}\n" for line in lines)


def _jumps(line: str, chain: str) -> bool:
    """Whether a rule, not of the chain itself, jumps to it."""
    return line.endswith(f"-j {chain}") and not line.startswith(f"-A {chain} ")


def find(program: str) -> str:
    """The path of a program of the administrator's; "" where it is not installed."""
    for directory in _PLACES:
        path = os.path.join(directory, program)
        if os.access(path, os.X_OK):
            return path
    return ""
