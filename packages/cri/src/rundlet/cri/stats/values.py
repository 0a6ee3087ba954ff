"""Measurements as the CRI's messages."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rundlet.core import Engine
from rundlet.core.errors import RundletError

from ..containers import record as containers
from ..containers.record import Made
from ..pods import network, options
from ..pods.paths import Paths
from ..pods.record import Pod
from ..proto import api_pb2 as cri
from . import measure
from .measure import Interface, Pressure, Usage
from .rates import Rates

_Pressures = Mapping[str, Mapping[str, Pressure]]


def container(engine: Engine, made: Made, rates: Rates) -> cri.ContainerStats:
    """Stats of one container; one that does not run has only its layer's."""
    return _container(engine, made, measure.container(engine, made.row), rates)


def _container(engine: Engine, made: Made, found: Usage | None, rates: Rates) -> cri.ContainerStats:
    config, row = made.wanted, made.row
    message = cri.ContainerStats(
        attributes=cri.ContainerAttributes(
            id=row.id,
            metadata=config.metadata,
            labels=config.labels,
            annotations=config.annotations,
        ),
        writable_layer=_layer(engine, made),
    )
    if found is None:
        return message
    message.cpu.CopyFrom(_cpu([found], rates.rate(row.id, found, row.started), found.pressure))
    message.memory.CopyFrom(_memory([found], found.pressure))
    message.swap.CopyFrom(_swap(found))
    message.io.timestamp = found.time
    _psi(message.io, found.pressure, "io")
    return message


def _layer(engine: Engine, made: Made) -> cri.FilesystemUsage:
    message = cri.FilesystemUsage(
        timestamp=time.time_ns(),
        fs_id=cri.FilesystemIdentifier(mountpoint=engine.settings.graph_root),
    )
    try:
        used = engine.layers.usage(made.row.layer)
    except (RundletError, OSError):
        return message  # it is being removed
    message.used_bytes.value = used.size
    message.inodes_used.value = used.inodes
    return message


def _cpu(found: Sequence[Usage], rate: int, pressure: _Pressures) -> cri.CpuUsage:
    message = cri.CpuUsage(timestamp=found[0].time)
    message.usage_core_nano_seconds.value = sum(one.cpu for one in found)
    message.usage_nano_cores.value = rate
    _psi(message, pressure, "cpu")
    return message


def _memory(found: Sequence[Usage], pressure: _Pressures) -> cri.MemoryUsage:
    message = cri.MemoryUsage(timestamp=found[0].time)
    message.usage_bytes.value = sum(one.memory for one in found)
    message.working_set_bytes.value = sum(one.working_set for one in found)
    message.available_bytes.value = sum(one.available for one in found)
    message.rss_bytes.value = sum(one.rss for one in found)
    message.page_faults.value = sum(one.faults for one in found)
    message.major_page_faults.value = sum(one.major_faults for one in found)
    _psi(message, pressure, "memory")
    return message


def _swap(found: Usage) -> cri.SwapUsage:
    message = cri.SwapUsage(timestamp=found.time)
    message.swap_usage_bytes.value = found.swap
    if found.swap_limit >= 0:
        message.swap_available_bytes.value = max(0, found.swap_limit - found.swap)
    return message


def _psi(
    message: cri.CpuUsage | cri.MemoryUsage | cri.IoUsage, found: _Pressures, kind: str
) -> None:
    lines = found.get(kind)
    if lines:
        message.psi.CopyFrom(
            cri.PsiStats(Full=_line(lines.get("full")), Some=_line(lines.get("some")))
        )


def _line(found: Pressure | None) -> cri.PsiData:
    if found is None:
        return cri.PsiData()
    return cri.PsiData(Total=found.total, Avg10=found.avg10, Avg60=found.avg60, Avg300=found.avg300)


def pod(engine: Engine, found: Pod, rates: Rates) -> cri.PodSandboxStats:
    """Stats of one sandbox: of its containers that run, with their sums, and of its interfaces."""
    config = found.sandbox
    now = time.time_ns()
    message = cri.PodSandboxStats(
        attributes=cri.PodSandboxAttributes(
            id=found.id,
            metadata=config.metadata,
            labels=config.labels,
            annotations=config.annotations,
        )
    )
    running = [
        (one, used)
        for one in containers.everything(engine, found.id)
        if (used := measure.container(engine, one.row)) is not None
    ]
    stats = [_container(engine, one, used, rates) for one, used in running]
    message.linux.containers.extend(stats)
    each = [used for _, used in running]
    if running:
        pressure = measure.pod_pressure(engine, running[0][0].row)
        rate = sum(one.cpu.usage_nano_cores.value for one in stats)
        message.linux.cpu.CopyFrom(_cpu(each, rate, pressure))
        message.linux.memory.CopyFrom(_memory(each, pressure))
        message.linux.io.timestamp = now
        _psi(message.linux.io, pressure, "io")
    message.linux.process.timestamp = now
    message.linux.process.process_count.value = sum(one.processes for one in each)
    if not options.host_network(config):
        message.linux.network.CopyFrom(_network(Paths(engine, found.id).netns, found, now))
    return message


def _network(namespace: str, found: Pod, now: int) -> cri.NetworkUsage:
    """The default interface is that of the pod's address, not what the kernel puts before it
    (tunl0, sit0: in every namespace of a node with tunnels)."""
    messages = [_interface(one) for one in measure.interfaces(namespace)]
    mine = network.interface(found)
    return cri.NetworkUsage(
        timestamp=now,
        default_interface=next((one for one in messages if one.name == mine), None),
        interfaces=messages,
    )


def _interface(found: Interface) -> cri.NetworkInterfaceUsage:
    return cri.NetworkInterfaceUsage(
        name=found.name,
        rx_bytes=cri.UInt64Value(value=found.received),
        rx_errors=cri.UInt64Value(value=found.receive_errors),
        tx_bytes=cri.UInt64Value(value=found.sent),
        tx_errors=cri.UInt64Value(value=found.send_errors),
    )
