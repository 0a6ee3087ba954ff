"""Texts of the files by which a container finds others: hosts(5) and resolv.conf(5)."""

from __future__ import annotations

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HOST_NAMES = ("host.containers.internal", "host.docker.internal")
"""What containers call their host."""

_LOCALHOST = (("127.0.0.1", ("localhost",)), ("::1", ("localhost",)))

PUBLIC_NAMESERVERS = ("8.8.8.8", "8.8.4.4")
"""Where the host has only nameservers on its own loopback (podman-run(1), --dns)."""

_STUB = "127.0.0.53"  # of systemd-resolved(8)
_STUB_BEHIND = "/run/systemd/resolve/resolv.conf"


def hosts(
    base: str, added: Sequence[str], own: Sequence[tuple[str, Sequence[str]]], host_ip: str
) -> str:
    """The text of /etc/hosts.

    base: the host's file. added: `--add-host NAME[;NAME]:IP`, before all others.
    own: addresses of the container with their names. host_ip: of the host, "" for unknown.
    A name that was added is taken out of the other lines; what follows the host's lines (localhost
    too) has only names that are not in them, as with podman. Raises InvalidArgument.
    """
    first = [_added(text, host_ip) for text in added]
    given = _without(_names(first), _entries(base))
    ours: list[tuple[str, Sequence[str]]] = [*_LOCALHOST]
    if host_ip:
        ours.append((host_ip, HOST_NAMES))
    ours += own
    lines = [*first, *given, *_without(_names([*first, *given]), ours)]
    return "".join(f"{address}\t{' '.join(names)}\n" for address, names in lines)


def _names(entries: Iterable[tuple[str, Sequence[str]]]) -> set[str]:
    return {name for _, names in entries for name in names}


def _without(
    taken: set[str], entries: Iterable[tuple[str, Sequence[str]]]
) -> list[tuple[str, Sequence[str]]]:
    """The entries without some names; those that have no other are left out."""
    left = [(address, [n for n in names if n not in taken]) for address, names in entries]
    return [(address, names) for address, names in left if names]


def _added(text: str, host_ip: str) -> tuple[str, Sequence[str]]:
    names, _, address = text.partition(":")
    if address == "host-gateway":
        if not host_ip:
            raise InvalidArgument(
                f"--add-host {text}: the address of the host is not known here",
                remedy="set host_containers_internal_ip in containers.conf",
            )
        address = host_ip
    return address.strip("[]"), names.split(";")


def _entries(text: str) -> Iterable[tuple[str, Sequence[str]]]:
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and not set(words[1:]) & set(HOST_NAMES):
            yield words[0], words[1:]


def resolv_conf(
    host: str,
    *,
    nameservers: Sequence[str] = (),
    search: Sequence[str] = (),
    options: Sequence[str] = (),
    private: bool = True,
) -> str:
    """The text of /etc/resolv.conf: what is given, and the host's for what is not.

    search: (".",) for no domains. private: in a network namespace of its own, from where
    nameservers on the host's loopback cannot be reached.
    """
    servers = list(nameservers) or [
        server for server in _values(host, "nameserver") if not (private and _local(server))
    ]
    if not servers:
        servers = [*PUBLIC_NAMESERVERS]
    domains = list(search) or _values(host, "search")
    lines = [f"search {' '.join(domains)}\n"] if domains and domains != ["."] else []
    lines += [f"nameserver {server}\n" for server in servers]
    chosen = list(options) or _values(host, "options")
    if chosen:
        lines.append(f"options {' '.join(chosen)}\n")
    return "".join(lines)


def _values(text: str, keyword: str) -> list[str]:
    """The words after a keyword: of all `nameserver` lines, of the last of the others."""
    found: list[str] = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words and words[0] == keyword:
            found = [*found, *words[1:2]] if keyword == "nameserver" else words[1:]
    return found


def _local(server: str) -> bool:
    return server.startswith("127.") or server == "::1"


def host_resolv_conf(private: bool) -> str:
    """The host's resolv.conf; behind systemd-resolved's stub, the one with the real servers."""
    text = read("/etc/resolv.conf")
    if private and _values(text, "nameserver") == [_STUB]:
        return read(_STUB_BEHIND) or text
    return text


def read(path: str) -> str:
    """A file of the host, "" where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def host_address() -> str:
    """The address from which the host reaches others; "" if it has none.

    A datagram socket is connected to a documentation address (RFC 5737): the kernel picks
    the route; nothing is sent.
    """
    from _socket import AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, socket  # `socket` costs 2 ms

    query = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC)
    try:
        query.connect(("192.0.2.1", 9))
        return str(query.getsockname()[0])
    except OSError:
        return ""
    finally:
        query.close()
