"""The fields of `ps` for `--format`, its JSON, its wider tables, and its sorting."""

from __future__ import annotations

import json
import time

from rundlet.core.format.moments import stamp
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
        return pretty([document(engine, row) for row in rows]) + "\n"
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
        "Created": ago(row.created, now),
        "CreatedAt": stamp(row.created),
        "CreatedHuman": ago(row.created, now),
        "RunningFor": ago(row.created, now),
        "Status": status(row, now),
        "State": row.status,
        "Ports": row.ports,
        "Names": row.name,
        "Labels": pairs(labels),
        "Label": lambda key="": labels.get(key, ""),
        "Pid": row.pid if row.status == "running" else 0,
        "ExitCode": row.exit_code,
        "Exited": row.status == "exited",
        "ExitedAt": row.finished // 1_000_000_000 if row.finished else _NEVER,
        "StartedAt": row.started // 1_000_000_000,
        "AutoRemove": bool(row.auto_remove),
        "Restarts": row.restarts,
        "Pod": row.pod or "",
        "PodName": "",
        "IsInfra": False,
        "CIDFile": lambda: _requested(engine, row).get("cidfile", ""),
        "ExposedPorts": lambda: exposed(engine, row),
        "Mounts": lambda: list(mounts(engine, row)),
        "Networks": lambda: ",".join(networks(engine, row)),
        "Size": lambda: sizes(engine, row),
        "Namespaces": lambda: namespaces(row.pid),
        **{key: (lambda kind=kind: namespaces(row.pid).get(kind, "")) for key, kind in _KINDS},
    }


def pairs(labels: Mapping[str, str]) -> str:
    """Labels as lists print them: "k=v,k=v", sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _requested(engine: Engine, row: ContainerRow) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(_text(engine, row, "request") or "{}")
    return request


def _text(engine: Engine, row: ContainerRow, field: str) -> str:
    """A field that lists leave out; "" of a container that was removed meanwhile."""
    found = by_id(engine.database, row.id)
    return getattr(found, field) if found is not None else ""


def exposed(engine: Engine, row: ContainerRow) -> dict[int, list[str]]:
    """Ports of --expose, and their protocols."""
    found: dict[int, list[str]] = {}
    for text in _requested(engine, row).get("expose") or ():
        ports, _, protocol = text.partition("/")
        first, _, last = ports.partition("-")
        for port in range(int(first), int(last or first) + 1):
            found.setdefault(port, []).append(protocol or "tcp")
    return found


_KINDS = (
    ("CGROUPNS", "cgroup"),
    ("IPC", "ipc"),
    ("MNT", "mnt"),
    ("NET", "net"),
    ("PIDNS", "pid"),
    ("USERNS", "user"),
    ("UTS", "uts"),
)


def namespaces(pid: int) -> dict[str, str]:
    """Inode numbers of a process' namespaces, by kind; {} when it is gone."""
    import os

    found = {}
    for _, kind in _KINDS:
        try:
            link = os.readlink(f"/proc/{pid}/ns/{kind}")
        except OSError:
            continue
        found[kind] = link.partition("[")[2].rstrip("]")
    return found


def sizes(engine: Engine, row: ContainerRow) -> str:
    """ "12B (virtual 2.13MB)"."""
    written = writable(engine, row)
    image = engine.database.row("SELECT size FROM images WHERE id = ?", row.image)
    total = written + (image[0] if image else 0)
    return f"{_tight(written)} (virtual {_tight(total)})"


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
    """Names of the networks it is attached to."""
    from rundlet.core.containers.stored import network_of

    found = network_of(_text(engine, row, "network"))
    if found is None or found.result is None:
        return []
    return sorted({item.network for item in found.result.interfaces if item.network})


def document(engine: Engine, row: ContainerRow) -> dict[str, Any]:
    """One element of `ps --format json`."""
    from ..verbs.ps import status

    now = time.time_ns()
    return {
        "AutoRemove": bool(row.auto_remove),
        "Command": row.command.split(" ") if row.command else [],
        "CreatedAt": ago(row.created, now),
        "CIDFile": _requested(engine, row).get("cidfile") or "",
        "Exited": row.status == "exited",
        "ExitedAt": row.finished // 1_000_000_000 if row.finished else _NEVER,
        "ExitCode": row.exit_code,
        "ExposedPorts": None,
        "Id": row.id,
        "Image": row.image_name,
        "ImageID": row.image,
        "IsInfra": False,
        "Labels": json.loads(row.labels) or None,
        "Mounts": mounts(engine, row),
        "Names": [row.name],
        "Namespaces": {key.upper(): value for key, value in namespaces(row.pid).items()},
        "Networks": networks(engine, row),
        "Pid": row.pid if row.status == "running" else 0,
        "Pod": row.pod or "",
        "PodName": "",
        "Ports": ports(_text(engine, row, "network")),
        "Restarts": row.restarts,
        "Size": None,
        "StartedAt": row.started // 1_000_000_000 if row.started else _NEVER,
        "State": row.status,
        "Status": status(row, now),
        "Created": row.created // 1_000_000_000,
    }


def ports(network: str) -> list[dict[str, Any]] | None:
    """Published ports in podman's form."""
    from rundlet.core.containers.stored import network_of

    attached = network_of(network)
    if attached is None or attached.result is None:
        return None
    found = [
        {
            "host_ip": port.host_ip,
            "container_port": port.container_port,
            "host_port": port.host_port,
            "range": port.size,
            "protocol": port.protocol,
        }
        for port in attached.result.ports
    ]
    return found or None


def sort(engine: Engine, rows: Sequence[ContainerRow], key: str) -> list[ContainerRow]:
    """Sorted as --sort says."""
    keys = {
        "command": lambda row: row.command,
        "id": lambda row: row.id,
        "image": lambda row: row.image_name,
        "names": lambda row: row.name,
        "runningfor": lambda row: -row.created,
        "status": lambda row: row.status,
        "size": lambda row: writable(engine, row),
    }
    return sorted(rows, key=keys[key])
