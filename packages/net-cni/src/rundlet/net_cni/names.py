"""Names of containers on user-defined networks: one aardvark-dns for all networks of an engine.

aardvark-dns reads a file per network from a directory: the addresses to listen on, then a
line per container with its id, addresses, names and nameservers (its source, src/config; the
same in all releases). It listens on the gateways, answers who is on the network, and asks the
host's nameservers for all else. SIGHUP has it read the files again; without any it ends.

The files are made from the notes of what is attached (cache.py), each time whole: what a
killed process left is not in them any more.
"""

from __future__ import annotations

import os

from rundlet.core.linux.processes import partial_name, run

from .host import Host
from .standard import is_internal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set
    from typing import Any

    from .cache import Cache, Record
    from .config import NetworkConfig

DOMAIN = "dns.podman"
"""The search domain of names, as podman's networks have it."""

PORT = 53
_PROGRAM = "aardvark-dns"
_DIRECTORIES = (
    "/usr/local/libexec/podman",
    "/usr/local/lib/podman",
    "/usr/libexec/podman",
    "/usr/lib/podman",
)
"""Where podman looks for its helpers (containers.conf(5), helper_binaries_dir)."""

_INTERNAL = "%int"
"""Ending of the files of internal networks: what is not known there is NXDOMAIN (since 1.11)."""
_NOBODY = "255.255.255.255"
"""A nameserver to which the kernel lets nobody send: for releases that do not know the ending."""

_SIGHUP = 1  # `signal` imports enum
_NOTE = ("args", "rundlet", "dns")


def program() -> str:
    """The server's binary; "" where it is not installed."""
    paths = (os.path.join(directory, _PROGRAM) for directory in _DIRECTORIES)
    return next((path for path in paths if os.access(path, os.X_OK)), "")


def note(document: dict[str, Any]) -> dict[str, Any]:
    """A conflist whose network gives names to its containers."""
    args = dict(document.get("args") or {})
    return {**document, "args": {**args, "rundlet": {"dns": True}}}


def wanted(document: Mapping[str, Any]) -> bool:
    """Whether a conflist says so."""
    found: Any = document
    for key in _NOTE:
        found = found.get(key) if isinstance(found, dict) else None
    return found is True


def nameservers(network: NetworkConfig) -> tuple[str, ...]:
    """The nameservers of a network, which its server asks for what it does not know."""
    dns = network.plugins[0].get("dns")
    found = dns.get("nameservers") if isinstance(dns, dict) else None
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


class Names:
    """The names of all containers that one engine has attached."""

    def __init__(self, run_dir: str, cache: Cache, host: Host) -> None:
        self._run_dir = run_dir
        self._directory = os.path.join(run_dir, "names")
        self._cache = cache
        self._host = host

    def servers(self, record: Record) -> Sequence[str]:
        """Where a container asks for names of this network; () where nobody answers."""
        return tuple(gateways(record)) if wanted(record.document) and program() else ()

    def update(self, record: Record) -> None:
        """Have the server know who is on this record's network now. Best effort."""
        if not wanted(record.document) or not program():
            return
        with self._host.names():
            there = [one for one in self._cache.all() if _is_there(one)]
            mine = {one.network for one in there if one.container == record.container}
            for network in {record.network, *mine}:  # in others, what it may ask has changed
                self._write(network, there)
            self._tell()

    def unserved(self) -> list[str]:
        """The networks whose containers ask a server that has ended."""
        if not program() or self._pid(os.path.join(self._directory, "aardvark.pid")):
            return []
        there = (one for one in self._cache.all() if _is_there(one) and wanted(one.document))
        return sorted({one.network for one in there})

    def serve(self) -> None:
        """Start the server again where it has ended."""
        with self._host.names():
            there = [one for one in self._cache.all() if _is_there(one)]
            networks = self.unserved()
            for network in networks:
                self._write(network, there)
            if networks:
                self._tell()

    def _write(self, network: str, there: Sequence[Record]) -> None:
        mine = [one for one in there if one.network == network and wanted(one.document)]
        outward = {one.container for one in there if not _is_internal(one)}
        path = os.path.join(self._directory, network)
        for name in (path, path + _INTERNAL) if not mine else ():
            _unlink(name)
        if not mine:
            return
        path += _INTERNAL if _is_internal(mine[0]) else ""
        temporary = partial_name(os.path.join(self._run_dir, "names"))  # all files there are read
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text([_confined(one, outward) for one in mine]))
        os.replace(temporary, path)

    def _tell(self) -> None:
        """Have the server read the files, start it, or let it end."""
        pid_file = os.path.join(self._directory, "aardvark.pid")
        try:
            files = [name for name in os.listdir(self._directory) if name != "aardvark.pid"]
        except FileNotFoundError:
            return
        pid = self._pid(pid_file)
        if pid:
            os.kill(pid, _SIGHUP)
        elif files:
            self._start()
        if not files:
            _unlink(pid_file)

    def _pid(self, pid_file: str) -> int:
        """The server of this directory, which may have ended or never been; 0 then."""
        try:
            with open(pid_file, encoding="utf-8") as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/cmdline", "rb") as words:
                return pid if os.fsencode(self._directory) in words.read().split(b"\0") else 0
        except (OSError, ValueError):
            return 0

    def _start(self) -> None:
        """It puts itself into the background; of systemd's units it gets one of its own."""
        scope = ("/usr/bin/systemd-run", "-q", "--scope")
        own = scope if os.path.isdir("/run/systemd/system") and os.access(scope[0], os.X_OK) else ()
        run([*own, program(), "--config", self._directory, "--port", str(PORT),
             "--filter-search-domain", f".{DOMAIN}", "run"])  # fmt: skip


def gateways(record: Record) -> Iterator[str]:
    """The addresses of the host on a network, on which its server listens."""
    for ip in record.result.get("ips", ()):
        if ip.get("gateway"):
            yield ip["gateway"]


def text(records: Sequence[Record]) -> str:
    """The file of one network."""
    listening = dict.fromkeys(gateway for record in records for gateway in gateways(record))
    lines = [",".join(listening)]
    for record in records:
        addresses = [ip["address"].partition("/")[0] for ip in record.result.get("ips", ())]
        lines.append(
            " ".join(
                (
                    record.container,
                    ",".join(address for address in addresses if ":" not in address),
                    ",".join(address for address in addresses if ":" in address),
                    ",".join(dict.fromkeys(record.names)),
                    ",".join(record.dns),
                )
            ).rstrip()
        )
    return "".join(f"{line}\n" for line in lines)


def _is_internal(record: Record) -> bool:
    return is_internal(record.document["plugins"][0])


def _confined(record: Record, outward: Set[str]) -> Record:
    """A container of internal networks alone asks nobody outside, not even by the server."""
    return record if record.container in outward else record.replace(dns=(_NOBODY,))


def _is_there(record: Record) -> bool:
    return bool(record.names and record.result and record.attached_to())


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
