"""podman container inspect's document, key by key (podman 4.3's order)."""

from __future__ import annotations

from .. import json
from ..cgroups.container import relative_path
from ..contracts.runtime import called
from ..errors import Corrupt
from ..format.times import NEVER, rfc3339
from ..linux.processes import alive
from ..state import containers as rows
from ..value import Value
from . import inspect_config, inspect_host
from .exec import specification
from .joined import needed
from .network import mode, names
from .paths import Paths
from .restart import stopped
from .rootfs import own_layer, parent
from .state import has_process
from .stored import network_of, request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..contracts.network import InterfaceResult, PortMapping
    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest
    from .stored import Network


class Known(Value):
    """All that is known of a container, read once. spec: {} when it has never been started."""

    row: Container
    request: ContainerRequest
    spec: Mapping[str, Any]
    image: Mapping[str, Any]
    network: Network | None
    volumes: tuple[tuple[str, str, bool], ...]


def inspect(engine: Engine, row: Container, *, size: bool = False) -> dict[str, Any]:
    """The document of one container. size: with SizeRw and SizeRootFs (slow)."""
    known = _known(engine, row)
    paths = Paths(engine, row.id)
    words = _command(known)
    request, spec = known.request, known.spec
    process = spec.get("process", {})
    files = {mount["destination"]: mount["source"] for mount in spec.get("mounts", ())}
    capabilities = process.get("capabilities", {})
    document = {
        "Id": row.id,
        "Created": rfc3339(row.created),
        "Path": words[0] if words else "",
        "Args": words[1:],
        "State": _state(engine, known),
        "Image": row.image,
        "ImageDigest": _image_digest(engine, row),
        "ImageName": row.image_name,
        "Rootfs": request.rootfs,
        "Pod": row.pod or "",
        "ResolvConfPath": files.get("/etc/resolv.conf", ""),
        "HostnamePath": files.get("/etc/hostname", ""),
        "HostsPath": files.get("/etc/hosts", ""),
        "StaticDir": paths.bundle,
        "OCIConfigPath": paths.config,
        "OCIRuntime": called(row.runtime),
        "ConmonPidFile": f"{paths.run}/conmon.pid",
        "PidFile": paths.pid_file,
        "Name": row.name,
        "RestartCount": row.restarts,
        "Driver": row.storage,
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": process.get("apparmorProfile", ""),
        "EffectiveCaps": sorted(capabilities.get("effective") or ()),
        "BoundingCaps": sorted(capabilities.get("bounding") or ()),
        "ExecIDs": _sessions(engine, row),
        "GraphDriver": _graph_driver(engine, known),
    }
    if size:
        document["SizeRw"], document["SizeRootFs"] = _sizes(engine, row)
    return {
        **document,
        "Mounts": inspect_host.mounts(known, paths),
        "Dependencies": sorted(needed(request)),
        "NetworkSettings": _network_settings(engine, known),
        "Namespace": "",
        "IsInfra": False,
        "IsService": False,
        "KubeExitCodePropagation": "invalid",
        "UseImageHosts": request.no_hosts,
        "UseImageHostname": request.no_hostname,
        "Config": inspect_config.config(engine, known),
        "HostConfig": inspect_host.host_config(engine, known, paths),
    }


def _known(engine: Engine, row: Container) -> Known:
    try:
        spec = specification(engine, row)
    except Corrupt:
        spec = {}  # never started
    return Known(
        row,
        request_of(row.request),
        spec,
        json.loads(row.extra).get("image", {}),
        network_of(row.network),
        tuple(rows.volumes(engine.database, row.id)),
    )


def _command(known: Known) -> list[str]:
    words: list[str] = list(known.spec.get("process", {}).get("args") or ())
    return words or known.row.command.split()


def _health(engine: Engine, known: Known) -> dict[str, Any]:
    from .health import record

    row = known.row
    found = record.read(record.path(engine, row.id, known.request)) if row.health else None
    return record.document(found or record.Record(), row.health)


def _state(engine: Engine, known: Known) -> dict[str, Any]:
    row = known.row
    running = has_process(row)  # or waits for its start
    state: dict[str, Any] = {
        "OciVersion": known.spec.get("ociVersion", ""),
        "Status": row.status,
        "Running": row.status == "running",
        "Paused": row.status == "paused",
        "Restarting": False,
        "OOMKilled": bool(row.oom_killed),
        "Dead": False,
        "Pid": row.pid if running else 0,
    }
    if running and row.monitor_pid:
        state["ConmonPid"] = row.monitor_pid
    state |= {
        "ExitCode": row.exit_code,
        "Error": "",
        "StartedAt": rfc3339(row.started),
        "FinishedAt": rfc3339(row.finished),
        "StoppedByUser": stopped(engine, row.id),
        "Health": _health(engine, known),
    }
    if running:
        state["CgroupPath"] = relative_path(known.spec.get("linux", {}).get("cgroupsPath", ""))
    return {**state, **_checkpoint(engine, row)}


def _checkpoint(engine: Engine, row: Container) -> dict[str, Any]:
    """When it was written to files and went on from them (podman's keys)."""
    known = json.loads(row.extra).get("checkpoint")
    if known is None:
        return {"CheckpointedAt": NEVER, "RestoredAt": NEVER}
    from .checkpoint.files import Files

    files = Files(engine, row.id)
    found: dict[str, Any] = {
        "CheckpointedAt": rfc3339(known.get("at", 0)),
        "RestoredAt": rfc3339(known.get("restored", 0)),
    }
    if files.there():
        found |= {"Checkpointed": True, "CheckpointPath": files.image}
        found["CheckpointLog"] = files.dump_log
    if known.get("restored"):
        found |= {"Restored": True, "RestoreLog": files.restore_log}
    return found


def _image_digest(engine: Engine, row: Container) -> str:
    if not row.image:
        return ""
    found = engine.database.row("SELECT manifest FROM images WHERE id = ?", row.image)
    return str(found[0]) if found else ""


def _sessions(engine: Engine, row: Container) -> list[str]:
    """The exec sessions that run, or have yet to; the others went with their process."""
    if not has_process(row):
        return []
    found = rows.sessions(engine.database, row.id)
    return [session for session, pid, started, _ in found if alive(pid, started)]


def _graph_driver(engine: Engine, known: Known) -> dict[str, Any]:
    """Where the layer is, as its driver tells."""
    row = known.row
    data: dict[str, str] = {}
    if row.layer:
        data = engine.layers.driver.describe(row.layer, engine.layers.chain(parent(row)))
    return {"Name": row.storage, "Data": data}


def _sizes(engine: Engine, row: Container) -> tuple[int, int]:
    if not row.layer:
        return 0, 0
    with own_layer(engine, row):
        own = engine.layers.usage(row.layer).size
    found = engine.database.row("SELECT size FROM images WHERE id = ?", row.image)
    return own, own + (int(found[0]) if found else 0)


def ports(published: tuple[PortMapping, ...]) -> dict[str, list[dict[str, str]] | None]:
    """Container port to where it is published, as NetworkSettings.Ports has it."""
    found: dict[str, list[dict[str, str]] | None] = {}
    for port in published:
        for number in range(port.size):
            key = f"{port.container_port + number}/{port.protocol}"
            binding = {"HostIp": port.host_ip, "HostPort": str(port.host_port + number)}
            found[key] = [*(found.get(key) or []), binding]
    return found


def _network_settings(engine: Engine, known: Known) -> dict[str, Any]:
    result = known.network.result if known.network is not None else None
    interfaces = result.interfaces if result is not None else ()
    namespace = known.network.attachment.namespace if known.network is not None else None
    first = _interface(interfaces[0]) if interfaces else _interface(None)
    settings = {
        **first,
        "Bridge": "",
        "SandboxID": "",
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Ports": ports(result.ports if result is not None else known.request.ports),
        "SandboxKey": str(namespace or _own_namespace(known)),
    }
    joined: dict[str, InterfaceResult | None] = {one.network: one for one in interfaces}
    how = mode(engine, known.request)
    alone = [how] if how in ("none", "host") else []  # shown like a network, as docker does
    if not joined:  # it does not run: those that it will join
        joined = dict.fromkeys(names(engine, known.request) or alone)
    if joined:
        settings["Networks"] = {
            name: {
                **_interface(interface),
                "NetworkID": name,
                "DriverOpts": None,
                "IPAMConfig": None,
                "Links": None,
                **({} if name in alone else _names(known, interface)),
            }
            for name, interface in joined.items()
        }
    return settings


def _own_namespace(known: Known) -> str:
    """Of a container that shares no network and has none: the one that its runtime made."""
    alone = known.request.network == "none" and known.row.pid
    return f"/proc/{known.row.pid}/ns/net" if alone else ""


def _names(known: Known, interface: InterfaceResult | None) -> dict[str, list[str]]:
    """By which others in a network find the container."""
    hostname = known.spec.get("hostname", known.request.hostname or known.row.id[:12])
    given = interface.aliases if interface is not None else ()
    aliases = list(dict.fromkeys((*given, known.row.id[:12])))
    return {
        "Aliases": aliases,
        "DNSNames": [*dict.fromkeys((known.row.name, *aliases, hostname))],
    }


def _interface(interface: InterfaceResult | None) -> dict[str, Any]:
    addresses = interface.addresses if interface is not None else ()
    four = next((a for a in addresses if ":" not in a.address), None)
    six = next((a for a in addresses if ":" in a.address), None)
    address, _, prefix = (four.address if four else "").partition("/")
    address6, _, prefix6 = (six.address if six else "").partition("/")
    return {
        "EndpointID": "",
        "Gateway": four.gateway if four else "",
        "IPAddress": address,
        "IPPrefixLen": int(prefix or 0),
        "IPv6Gateway": six.gateway if six else "",
        "GlobalIPv6Address": address6,
        "GlobalIPv6PrefixLen": int(prefix6 or 0),
        "MacAddress": interface.mac if interface is not None else "",
    }
