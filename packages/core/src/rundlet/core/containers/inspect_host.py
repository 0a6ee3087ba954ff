"""The `Mounts` and `HostConfig` objects of inspect: what the host gives the container."""

from __future__ import annotations

from . import limits, log_driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..engine import Engine
    from .inspect import Known
    from .paths import Paths

_PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave")


def mounts(known: Known, paths: Paths) -> list[dict[str, Any]]:
    """The user's and the image's mounts, as the runtime got them where it was started."""
    actual = {mount["destination"]: mount for mount in known.spec.get("mounts", ())}
    named = {destination: volume for volume, destination, _ in known.volumes}
    found = []
    for mount in known.request.mounts:
        if mount.kind not in ("bind", "volume"):
            continue
        destination = mount.destination.rstrip("/")
        row = actual.get(destination, {})
        options = list(row.get("options") or mount.options)
        name = named.get(mount.destination)
        entry: dict[str, Any] = {"Type": "volume" if name else "bind"}
        if name:
            entry["Name"] = name
        entry |= {
            "Source": row.get("source", mount.source),
            "Destination": destination,
            "Driver": "local" if name else "",
            "Mode": "",
            "Options": [word for word in options if word not in (*_PROPAGATION, "ro", "rw")],
            "RW": "ro" not in options,
            "Propagation": next((w for w in options if w in _PROPAGATION), ""),
        }
        found.append(entry)
    return found


def host_config(engine: Engine, known: Known, paths: Paths) -> dict[str, Any]:
    """podman container inspect's HostConfig."""
    request = known.request
    spec = known.spec or limits.expected(engine, known.row, request)
    linux = spec.get("linux", {})
    return {
        "Binds": [_bind(entry) for entry in mounts(known, paths)],
        "CgroupManager": _cgroup_manager(engine),
        "CgroupMode": _mode(request.cgroup, linux, "cgroup"),
        "ContainerIDFile": request.cidfile,
        "LogConfig": log_driver.described(engine, request, paths),
        "NetworkMode": _network_mode(known),
        "PortBindings": _port_bindings(known),
        "RestartPolicy": _restart(request.restart),
        "AutoRemove": request.auto_remove,
        "AutoRemoveImage": request.auto_remove_image,
        "VolumeDriver": "",
        "VolumesFrom": list(request.volumes_from) or None,
        "CapAdd": list(request.cap_add),
        "CapDrop": list(request.cap_drop),
        "Dns": list(request.dns),
        "DnsOptions": list(request.dns_options),
        "DnsSearch": list(request.dns_search),
        "ExtraHosts": list(request.add_hosts),
        "GroupAdd": list(request.group_add),
        "IpcMode": request.ipc or "shareable",
        "Cgroup": "",
        "Cgroups": "default" if request.cgroups == "enabled" else request.cgroups,
        "Links": None,
        "OomScoreAdj": request.oom_score_adj or 0,
        "PidMode": request.pid or "private",
        "Privileged": request.privileged,
        "PublishAllPorts": request.publish_all,
        "ReadonlyRootfs": request.read_only,
        "SecurityOpt": list(request.security_options),
        "Tmpfs": {m.destination: ",".join(m.options) for m in request.mounts if m.kind == "tmpfs"},
        "UTSMode": request.uts or "private",
        "UsernsMode": request.userns,
        "ShmSize": request.shm_size or engine.settings.shm_size,
        "Runtime": "oci",
        "ConsoleSize": [0, 0],
        "Isolation": "",
        **_resources(known, linux.get("resources") or {}),
        "Ulimits": [
            {"Name": row["type"], "Soft": _limit(row["soft"]), "Hard": _limit(row["hard"])}
            for row in spec.get("process", {}).get("rlimits") or ()
        ],
    }


def _bind(entry: Mapping[str, Any]) -> str:
    access = "rw" if entry["RW"] else "ro"
    options = [entry["Propagation"], access, *entry["Options"]]
    source = entry.get("Name", entry["Source"])
    return f"{source}:{entry['Destination']}:{','.join(filter(None, options))}"


def _cgroup_manager(engine: Engine) -> str:
    from ..cgroups.layout import layout

    return layout(engine.settings.cgroup_manager).manager


def _mode(asked: str, linux: Mapping[str, Any], kind: str) -> str:
    if asked:
        return asked
    own = any(row["type"] == kind for row in linux.get("namespaces", ()))
    return "private" if own else "host"


def _network_mode(known: Known) -> str:
    request = known.request
    from .network import LEFT_ALL

    if request.network in (LEFT_ALL, "private"):
        return "bridge"
    return request.network or ("bridge" if not request.networks else request.networks[0].network)


def _port_bindings(known: Known) -> dict[str, Any]:
    from .inspect import ports

    return ports(known.request.ports)


def _restart(policy: str) -> dict[str, Any]:
    name, _, count = policy.partition(":")
    return {"Name": name or "no", "MaximumRetryCount": int(count) if count.isdecimal() else 0}


def _resources(known: Known, resources: Mapping[str, Any]) -> dict[str, Any]:
    """Limits as the runtime got them, else as they were asked for."""
    asked = known.request.resources
    cpu, memory = resources.get("cpu") or {}, resources.get("memory") or {}
    period, quota = cpu.get("period", 0), cpu.get("quota", 0)
    block = resources.get("blockIO") or {}
    return {
        "CpuShares": cpu.get("shares", asked.cpu_shares or 0),
        "Memory": memory.get("limit", asked.memory or 0),
        "NanoCpus": quota * 10**9 // period if period and quota > 0 else 0,
        "CgroupParent": known.request.cgroup_parent,
        "BlkioWeight": block.get("weight", asked.blkio_weight or 0),
        "BlkioWeightDevice": _devices(asked.blkio_weight_device, block.get("weightDevice")),
        "BlkioDeviceReadBps": _devices(asked.device_read_bps, block.get("throttleReadBpsDevice")),
        "BlkioDeviceWriteBps": _devices(
            asked.device_write_bps, block.get("throttleWriteBpsDevice")
        ),
        "BlkioDeviceReadIOps": _devices(
            asked.device_read_iops, block.get("throttleReadIOPSDevice")
        ),
        "BlkioDeviceWriteIOps": _devices(
            asked.device_write_iops, block.get("throttleWriteIOPSDevice")
        ),
        "CpuPeriod": period,
        "CpuQuota": quota,
        "CpuRealtimePeriod": cpu.get("realtimePeriod", 0),
        "CpuRealtimeRuntime": cpu.get("realtimeRuntime", 0),
        "CpusetCpus": cpu.get("cpus", asked.cpuset_cpus),
        "CpusetMems": cpu.get("mems", asked.cpuset_mems),
        "Devices": [_device(device) for device in known.request.devices],
        "DiskQuota": 0,
        "KernelMemory": 0,
        "MemoryReservation": memory.get("reservation", asked.memory_reservation or 0),
        "MemorySwap": memory.get("swap", asked.memory_swap or 0),
        "MemorySwappiness": memory.get("swappiness", -1),
        "OomKillDisable": asked.oom_kill_disable,
        "PidsLimit": (resources.get("pids") or {}).get("limit", asked.pids_limit or 0),
        "CpuCount": 0,
        "CpuPercent": 0,
        "IOMaximumIOps": 0,
        "IOMaximumBandwidth": 0,
        "CgroupConf": None,
    }


def _devices(
    asked: Sequence[str], rows: Sequence[Mapping[str, int]] | None
) -> list[dict[str, Any]]:
    """Limits of devices: "PATH:NUMBER[UNIT]" as asked for, and as they are in the spec."""
    found = []
    for text, row in zip(asked, rows or (), strict=False):
        path, number = text.rpartition(":")[0], row.get("rate", row.get("weight"))
        found.append({"Path": path, "Rate" if "rate" in row else "Weight": number})
    return found


def _limit(value: int) -> int:
    """A resource limit; -1 is for none (setrlimit(2) RLIM_INFINITY)."""
    return -1 if value == 2**64 - 1 else value


def _device(device: Any) -> dict[str, str]:
    return {
        "PathOnHost": device.source,
        "PathInContainer": device.destination or device.source,
        "CgroupPermissions": device.permissions,
    }
