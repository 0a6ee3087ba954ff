"""The files that the engine makes for a container: hostname, hosts, resolv.conf, .containerenv."""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from ..networks import files as texts
from ..state import containers as rows
from . import secrets
from .paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine
    from ..state.containers import Container
    from .network import Joined
    from .request import ContainerRequest, Mount

CONTAINERENV = "/run/.containerenv"
HOSTNAME = "/etc/hostname"
HOSTS = "/etc/hosts"
RESOLV_CONF = "/etc/resolv.conf"
LOCALTIME = "/etc/localtime"
_ZONES = "/usr/share/zoneinfo"


def write(
    engine: Engine, row: Container, request: ContainerRequest, joined: Joined, root: str
) -> dict[str, str]:
    """Write them to the run directory; destination in the container to path on the host.

    Where the user mounts something at one of these places, that is used instead. One that
    joins the network of another container sees the hosts and resolv.conf of that one. root: of the
    container, where it is mounted.
    """
    run = Paths(engine, row.id).run
    taken = {mount.destination.rstrip("/") for mount in request.mounts}
    made = _shared(engine, request)
    for destination, content in _contents(engine, row, request, joined, root).items():
        if destination not in taken and destination not in made:
            made[destination] = path = f"{run}/{destination.rpartition('/')[2].lstrip('.')}"
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
            _give_to_root(request, path)
    made.update(_timezone(engine, request))
    made.update(secrets.files(engine, row, request))
    for directory in request.chroot_dirs:
        for place in (HOSTS, HOSTNAME, RESOLV_CONF):
            if place in made:
                made[os.path.normpath(f"{directory}/{place}")] = made[place]
    return {place: path for place, path in made.items() if place not in taken}


def _give_to_root(request: ContainerRequest, path: str) -> None:
    """In a user namespace they are its root's, who may change them."""
    if not (request.uid_map or request.gid_map):
        return
    from .ownership import host_id

    uid_map, gid_map = request.uid_map or request.gid_map, request.gid_map or request.uid_map
    try:
        os.chown(path, host_id(0, uid_map), host_id(0, gid_map))
    except InvalidArgument:
        return  # it has no root


def _timezone(engine: Engine, request: ContainerRequest) -> dict[str, str]:
    """/etc/localtime for --tz: a zone's name, or "local" for the host's."""
    zone = request.timezone or engine.settings.timezone
    if not zone:
        return {}
    path = LOCALTIME if zone == "local" else f"{_ZONES}/{zone}"
    path = os.path.realpath(path)
    if not os.path.isfile(path) or (zone != "local" and not path.startswith(f"{_ZONES}/")):
        raise InvalidArgument(
            f"timezone {zone!r} is not known here", remedy="give a name like Europe/Berlin"
        )
    return {LOCALTIME: path}


def _shared(engine: Engine, request: ContainerRequest) -> dict[str, str]:
    if not request.network.startswith("container:"):
        return {}
    other = rows.find(engine.database, request.network.removeprefix("container:"))
    run = Paths(engine, other.id).run
    files = {HOSTS: f"{run}/hosts", RESOLV_CONF: f"{run}/resolv.conf"}
    return {place: path for place, path in files.items() if os.path.exists(path)}


def _contents(
    engine: Engine, row: Container, request: ContainerRequest, joined: Joined, root: str
) -> dict[str, str]:
    contents = {}
    if not any(m.kind in ("bind", "volume") and _at_run(m) for m in request.mounts):
        contents[CONTAINERENV] = _containerenv(row, request)
    if not request.no_hostname:
        contents[HOSTNAME] = f"{joined.hostname}\n"
    if not request.no_hosts:
        contents[HOSTS] = texts.hosts(
            _base_hosts(request, root),
            request.add_hosts,
            _own_entries(row, joined),
            _host_address(engine, joined),
        )
    # Without a network there is no one to ask: the image's resolv.conf stays, as with podman.
    if joined.namespace != "" and request.dns != ("none",):
        contents[RESOLV_CONF] = resolv_conf(engine, request, joined)
    return contents


def _at_run(mount: Mount) -> bool:
    """Whether a mount's files would get a .containerenv, which are not the container's."""
    return mount.destination.rstrip("/") == "/run"


def _containerenv(row: Container, request: ContainerRequest) -> str:
    """What a privileged container is told of itself; others only see that the file is there."""
    if not request.privileged:
        return ""
    return (
        f'engine="rundlet"\nname="{row.name}"\nid="{row.id}"\n'
        f'image="{row.image_name}"\nimageid="{row.image}"\nrootless=0\n'
    )


def _base_hosts(request: ContainerRequest, root: str) -> str:
    """What --hosts-file names: the host's file, none, the image's, or another one."""
    if request.hosts_file == "none":
        return ""
    if request.hosts_file == "image":
        from ..spec.rootfs import read_text

        return read_text(root, HOSTS)
    if request.hosts_file and not os.path.isfile(request.hosts_file):
        raise InvalidArgument(f"--hosts-file {request.hosts_file}: no such file")
    return texts.read(request.hosts_file or HOSTS)


def _own_entries(row: Container, joined: Joined) -> Sequence[tuple[str, Sequence[str]]]:
    """The container's names at each of its addresses; without a network, at its loopback."""
    names = list(dict.fromkeys((joined.hostname, row.name)))
    if joined.namespace == "":
        return [("127.0.0.1", names)]
    if joined.result is None:
        return []
    return [
        (address.address.partition("/")[0], names)
        for interface in joined.result.interfaces
        for address in interface.addresses
    ]


def _host_address(engine: Engine, joined: Joined) -> str:
    """As configured ("none" for no entry), the loopback of one that shares the host's network,
    the first IPv4 gateway, or what the host uses.
    """
    configured = engine.settings.host_containers_internal_ip
    if configured:
        return "" if configured == "none" else configured
    if joined.namespace is None:
        return "127.0.0.1"
    for interface in joined.result.interfaces if joined.result is not None else ():
        for address in interface.addresses:
            if address.gateway and ":" not in address.gateway:
                return address.gateway
    return texts.host_address()


def resolv_conf(engine: Engine, request: ContainerRequest, joined: Joined) -> str:
    """The text of a container's /etc/resolv.conf."""
    if request.dns_exact:
        return texts.resolv_conf(
            "",
            nameservers=request.dns,
            search=request.dns_search,
            options=request.dns_options,
        )
    settings = engine.settings
    result = joined.result
    private = joined.namespace is not None
    return texts.resolv_conf(
        texts.host_resolv_conf(private),
        # A network with a server of its own asks the others for names that it does not know.
        nameservers=(result.nameservers if result is not None else ())
        or request.dns
        or settings.dns_servers,
        search=request.dns_search
        or settings.dns_searches
        or (result.search if result is not None else ()),
        options=request.dns_options
        or settings.dns_options
        or (result.dns_options if result is not None else ()),
        private=private,
    )
