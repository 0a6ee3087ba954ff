"""NAT rules that plugins leave behind when a namespace is gone before DEL.

bridge and ptp find the addresses whose masquerading they undo on the interface in the
namespace. Without a namespace (a reboot of the runtime's state, a killed holder) their rules
would stay: one chain per container and one rule in POSTROUTING that jumps to it.
"""

from __future__ import annotations

import os

from rundlet.core.errors import NetworkError
from rundlet.core.linux.processes import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cache import Record
    from .config import NetworkConfig

_MASQUERADING = ("bridge", "ptp")
_PLACES = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin")


def chain_name(network: str, container: str) -> str:
    """The chain of a container: CNI- and the first 24 digits of a SHA-512 over both names."""
    from hashlib import sha512

    return "CNI-" + sha512((network + container).encode()).hexdigest()[:24]


def remove_masquerade(network: NetworkConfig, record: Record) -> None:
    """Remove the rules of a container whose namespace is gone. Raises NetworkError."""
    if not any(p["type"] in _MASQUERADING and p.get("ipMasq") for p in network.plugins):
        return
    chain = chain_name(network.name, record.container)
    for program in ("iptables", "ip6tables"):
        path = _find(program)
        if path:
            _remove(path, chain)


def _remove(path: str, chain: str) -> None:
    listed = run([path, "-w", "-t", "nat", "-S"])
    if listed.code != 0:  # no such table in this kernel (ip6tables): nothing can be in it
        return
    lines = [line for line in listed.stdout.decode().splitlines() if chain in line.split()]
    jumps = [line for line in lines if line.startswith("-A") and line.split()[1] != chain]
    for line in jumps:
        _change(path, ["-D", *_words(line)[1:]])
    if f"-N {chain}" in lines:
        _change(path, ["-F", chain])
        _change(path, ["-X", chain])


def _words(line: str) -> list[str]:
    """A line of `iptables -S`: quoted as a shell's words."""
    from shlex import split

    return split(line)


def _change(path: str, words: Sequence[str]) -> None:
    done = run([path, "-w", "-t", "nat", *words])
    if done.code != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise NetworkError(f"{path} -t nat {' '.join(words)}: {said}")


def _find(program: str) -> str:
    for directory in _PLACES:
        path = os.path.join(directory, program)
        if os.access(path, os.X_OK):
            return path
    return ""
