"""The fields of `ps` for `--format`, its JSON, its wider tables, and its sorting."""

from __future__ import annotations

import json
import time

from rundlet.core.containers.state import LIVE
from rundlet.core.format.go import Map
from rundlet.core.format.moments import Moment, stamp
from rundlet.core.format.output import pretty
from rundlet.core.format.output import rows as formatted
from rundlet.core.format.units import ago
from rundlet.core.format.units import size as human_size
from rundlet.core.state.containers import by_id
from rundlet.core.system.usage import writable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rundlet.core.commands.context import Parsed
    from rundlet.core.containers.request import ContainerRequest
    from rundlet.core.engine import Engine
    from rundlet.core.state.containers import ContainerRow

_HEADINGS = {
    "ID": "CONTAINER ID",
    "Names": "NAMES",
    "CreatedHuman": "CREATED",
    "RunningFor": "CREATED",
    "CreatedAt": "CREATED AT",
    "PodName": "PODNAME",
    "Pod": "POD ID",
    "ImageID": "IMAGE ID",
}
_DEFAULT = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
_NAMESPACES = (
    "table {{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.CGROUPNS}}\t{{.IPC}}\t{{.MNT}}\t{{.NET}}\t{{.PIDNS}}"
    "\t{{.USERNS}}\t{{.UTS}}"
)


def show(engine: Engine, rows: Sequence[ContainerRow], arguments: Parsed) -> str:
    """The list as --format, --size, --pod or --namespace want it."""
    form = arguments.text("format")
    if form == "json":
        size = arguments.flag("size")
        return pretty([document(engine, row, size=size) for row in rows], 2) + "\n"
    if not form:
        form = "table " + _DEFAULT
        if arguments.flag("namespace") or arguments.flag("ns"):
            form = _NAMESPACES
        if arguments.flag("pod"):
            form += "\t{{.Pod}}\t{{.PodName}}"
        if arguments.flag("size"):
            form += "\t{{.Size}}"
    whole = arguments.flag("no-trunc")
    found = [fields(engine, row, whole=whole) for row in rows]
    heading = not arguments.flag("noheading")
    return formatted(found, form, headings=_HEADINGS, heading=heading)


_NEVER = -62135596800  # seconds: Go's time that is not set


def fields(engine: Engine, row: ContainerRow, *, whole: bool = False) -> dict[str, Any]:
    """Everything a template may name; what costs something is a method, called when named."""
    from ..verbs.ps import cells, status

    now = time.time_ns()
    line = cells(row, now, whole)
    labels = json.loads(row.labels)
    return {
        "ID": line[0],
        "Image": row.image_name,
        "ImageID": row.image if whole else row.image[:12],
        "Command": line[2],
        "Created": Moment(row.created),
        "CreatedAt": stamp(row.created),
        "CreatedHuman": ago(row.created, now),
        "RunningFor": ago(row.created, now),
        "Status": status(row, now),
        "State": row.status,
        "Ports": row.ports,
        "Names": row.name,
        "Labels": pairs(labels),
        "Label": lambda key="": labels.get(key, ""),
        "Pid": row.pid if row.status in LIVE else 0,
        "ExitCode": row.exit_code,
        "Exited": row.status == "exited",
        "ExitedAt": row.finished // 1_000_000_000 if row.finished else _NEVER,
        "StartedAt": row.started // 1_000_000_000 if row.started else _NEVER,
        "AutoRemove": bool(row.auto_remove),
        "Restarts": str(row.restarts),
        "Pod": row.pod or "",
        "PodName": "",
        "IsInfra": False,
        "CIDFile": lambda: _requested(engine, row).get("cidfile", ""),
        "ExposedPorts": lambda: exposed(engine, row),
        "DNSNames": lambda: Map(dns_names(engine, row)),
        "Mounts": lambda: list(mounts(engine, row)),
        "Networks": lambda: ",".join(networks(engine, row)),
        "Size": lambda: sizes(engine, row),
        "Namespaces": lambda: namespaces(row.pid, template=True),
        **{key: (lambda key=key: namespaces(row.pid, template=True)[key]) for key in _NAMESPACE},
        "CGROUPNS": lambda: namespaces(row.pid, template=True)["Cgroup"],
        "USERNS": lambda: namespaces(row.pid, template=True)["User"],
    }


def pairs(labels: Mapping[str, str]) -> str:
    """Labels as lists print them: "k=v,k=v", sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _requested(engine: Engine, row: ContainerRow) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(_text(engine, row, "request") or "{}")
    return request


def _request(engine: Engine, row: ContainerRow) -> ContainerRequest:
    from rundlet.core.containers.stored import request_of

    return request_of(_text(engine, row, "request") or "{}")


def _text(engine: Engine, row: ContainerRow, field: str) -> str:
    """A field that lists leave out; "" of a container that was removed meanwhile."""
    found = by_id(engine.database, row.id)
    return getattr(found, field) if found is not None else ""


def exposed(engine: Engine, row: ContainerRow) -> dict[int, list[str]]:
    """Ports of --expose, and their protocols."""
    from rundlet.core.containers.exposed import ports

    found: dict[int, list[str]] = {}
    for port, protocol in ports(_requested(engine, row).get("expose") or ()):
        found.setdefault(port, []).append(protocol)
    return found


_NAMESPACE = {
    "MNT": ("Mnt", "mnt"),
    "Cgroup": ("Cgroup", "cgroup"),
    "IPC": ("Ipc", "ipc"),
    "NET": ("Net", "net"),
    "PIDNS": ("Pidns", "pid"),
    "UTS": ("Uts", "uts"),
    "User": ("User", "user"),
}
"""podman's fields: the key in JSON, and the kernel's name."""


def namespaces(pid: int, *, template: bool = False) -> dict[str, str]:
    """Inode numbers of a process' namespaces by podman's keys of JSON, those that are known.

    template: by the fields of templates instead, all of them.
    """
    import os

    found = {}
    for field, (key, kind) in _NAMESPACE.items():
        try:
            link = os.readlink(f"/proc/{pid}/ns/{kind}") if pid else ""
        except OSError:
            link = ""
        number = link.partition("[")[2].rstrip("]")
        if number or template:
            found[field if template else key] = number
    return found


def sizes(engine: Engine, row: ContainerRow) -> str:
    """ "12B (virtual 2.13MB)"."""
    written, whole = _bytes(engine, row)
    return f"{_tight(written)} (virtual {_tight(whole)})"


def _bytes(engine: Engine, row: ContainerRow) -> tuple[int, int]:
    """What a container has written, and that with its image."""
    written = writable(engine, row)
    image = engine.database.row("SELECT size FROM images WHERE id = ?", row.image)
    return written, written + (image[0] if image else 0)


def _tight(count: int) -> str:
    return human_size(count).replace(" ", "")


def mounts(engine: Engine, row: ContainerRow) -> list[str]:
    """Destinations of the container's mounts."""
    listed = [mount["destination"] for mount in _requested(engine, row).get("mounts") or ()]
    volumes = engine.database.rows(
        "SELECT destination FROM container_volumes WHERE container = ?", row.id
    )
    return sorted({*listed, *(destination for (destination,) in volumes)})


def networks(engine: Engine, row: ContainerRow) -> list[str]:
    """Names of the networks that it joins, or will."""
    from rundlet.core.containers.network import names

    return sorted(names(engine, _request(engine, row)))


def dns_names(engine: Engine, row: ContainerRow) -> dict[str, list[str]]:
    """Names by which others on a network know it, by network."""
    from rundlet.core.containers.network import names, wished

    request = _request(engine, row)
    pairs = zip(names(engine, request), wished(request), strict=False)  # none for other modes
    return {name: [row.name, row.id[:12], *wish.aliases] for name, wish in pairs}


def document(engine: Engine, row: ContainerRow, *, size: bool = False) -> dict[str, Any]:
    """One element of `ps --format json`. size: with those of its files (slow)."""
    from ..verbs.ps import status

    now = time.time_ns()
    written, whole = _bytes(engine, row) if size else (0, 0)
    return {
        "AutoRemove": bool(row.auto_remove),
        "Command": _words(engine, row),
        "CreatedAt": ago(row.created, now),
        "CIDFile": _requested(engine, row).get("cidfile") or "",
        "Exited": row.status == "exited",
        "ExitedAt": row.finished // 1_000_000_000 if row.finished else _NEVER,
        "ExitCode": row.exit_code,
        "ExposedPorts": exposed(engine, row) or None,
        "Id": row.id,
        "Image": row.image_name,
        "ImageID": row.image,
        "IsInfra": False,
        "Labels": json.loads(row.labels) or None,
        "Mounts": mounts(engine, row),
        "Names": [row.name],
        "Namespaces": namespaces(row.pid),
        "Networks": networks(engine, row),
        "DNSNames": dns_names(engine, row) or None,
        "Pid": row.pid if row.status in LIVE else 0,
        "Pod": row.pod or "",
        "PodName": "",
        "Ports": ports(engine, row),
        "Restarts": row.restarts,
        "Size": {"rootFsSize": whole, "rwSize": written} if size else None,
        "StartedAt": row.started // 1_000_000_000 if row.started else _NEVER,
        "State": row.status,
        "Status": status(row, now),
        "Created": row.created // 1_000_000_000,
    }


def _words(engine: Engine, row: ContainerRow) -> list[str]:
    """What it runs, with the image's words where its own are missing."""
    image = json.loads(_text(engine, row, "extra") or "{}").get("image", {})
    request = _request(engine, row)
    own = request.entrypoint is not None
    first = request.entrypoint if own else image.get("Entrypoint")
    rest = request.command or (() if own else image.get("Cmd"))
    return [*(first or ()), *(rest or ())]


def ports(engine: Engine, row: ContainerRow) -> list[dict[str, Any]] | None:
    """Published ports in podman's form: as they are, or as they will be."""
    from rundlet.core.containers.stored import network_of

    attached = network_of(_text(engine, row, "network"))
    joined = attached.result if attached is not None else None
    found = [
        {
            "host_ip": port.host_ip,
            "container_port": port.container_port,
            "host_port": port.host_port,
            "range": port.size,
            "protocol": port.protocol,
        }
        for port in (joined or _request(engine, row)).ports
    ]
    return found or None


def sort(engine: Engine, rows: Sequence[ContainerRow], key: str) -> list[ContainerRow]:
    """Sorted as --sort says."""
    keys = {
        "command": lambda row: row.command,
        "id": lambda row: row.id,
        "image": lambda row: row.image_name,
        "names": lambda row: row.name,
        "runningfor": lambda row: row.started,
        "status": lambda row: row.status,
        "size": lambda row: _bytes(engine, row)[1],
    }
    return sorted(rows, key=keys[key])
