"""Mounts and devices of a container in the engine's words."""

from __future__ import annotations

import os

from rundlet.core import Engine
from rundlet.core.containers.request import Device, Mount
from rundlet.core.errors import InvalidArgument
from rundlet.core.linux import selinux
from rundlet.core.spec import cdi

from ..pods import options
from ..pods.paths import Paths
from ..pods.record import Pod
from ..proto import api_pb2 as cri
from ..runtime import handlers
from . import policy, record, security, shifted, volumes

_PROPAGATION = {
    cri.PROPAGATION_PRIVATE: "rprivate",
    cri.PROPAGATION_HOST_TO_CONTAINER: "rslave",
    cri.PROPAGATION_BIDIRECTIONAL: "rshared",
}

_CDI_PREFIX = "cdi.k8s.io/"


def mounts(engine: Engine, pod: Pod, config: cri.ContainerConfig) -> tuple[Mount, ...]:
    """The pod's /dev/shm, then what the container wants. Raises InvalidArgument, NotSupported."""
    name = record.name_of(config, pod.name)
    if any(one.selinux_relabel for one in config.mounts):
        _relabel(engine, pod, config)
    wanted = [_mount(engine, pod, name, one) for one in config.mounts]
    taken = {mount.destination for mount in wanted}
    if not options.host_ipc(pod.sandbox) and "/dev/shm" not in taken:
        shm = Paths(engine, pod.id).shm
        wanted.append(Mount("bind", "/dev/shm", shm, ("rw", "nosuid", "nodev", "noexec")))
    return tuple(wanted)


def _relabel(engine: Engine, pod: Pod, config: cri.ContainerConfig) -> None:
    """Give volumes the label of the container's files; nothing happens for one without a label.

    Raises NotSupported for a volume that cannot have one.
    """
    label = security.file_label(config.linux.security_context, pod.security)
    for one in config.mounts:
        if label and one.selinux_relabel and one.host_path:
            selinux.relabel(policy.source(engine, one.host_path), label)


def _mount(engine: Engine, pod: Pod, name: str, wanted: cri.Mount) -> Mount:
    where = wanted.container_path
    if wanted.image.image:
        source = volumes.mount(engine, pod, wanted, name)
        words: tuple[str, ...] = ("rbind", "ro", "rprivate", *wanted.mount_options)
        return Mount("bind", where, source, words)
    if not wanted.host_path:
        raise InvalidArgument(f"mount {where}: no host_path")
    propagation = _PROPAGATION[wanted.propagation]
    if wanted.recursive_read_only and (not wanted.readonly or propagation != "rprivate"):
        raise InvalidArgument(
            f"mount {where}: recursive_read_only needs readonly and private propagation"
        )
    if wanted.recursive_read_only:
        handlers.check_recursive(engine, pod.runtime, where)
    source = policy.source(engine, wanted.host_path)
    if wanted.uidMappings or wanted.gidMappings:
        source = shifted.mount(engine, pod.id, name, source, wanted)
    access = "rw" if not wanted.readonly else "rro" if wanted.recursive_read_only else "ro"
    words = ("rbind", access, propagation, *wanted.mount_options)
    return Mount("bind", where.rstrip("/") or where, source, words)


def devices(engine: Engine, config: cri.ContainerConfig) -> tuple[Device, ...]:
    """Devices by path, and CDI devices by name. Raises InvalidArgument for unknown ones."""
    names = _cdi_names(config)
    known = cdi.devices(engine.settings.cdi_spec_dirs or cdi.DIRECTORIES) if names else {}
    for name in names:
        if name not in known:
            raise InvalidArgument(f"there is no CDI device {name!r} on this node")
    return (
        *(Device(name) for name in names),
        *(
            Device(
                os.path.realpath(device.host_path),
                device.container_path,
                device.permissions or "rwm",
            )
            for device in config.devices
        ),
    )


def _cdi_names(config: cri.ContainerConfig) -> list[str]:
    """CDI devices by the field, then those by annotations, which are how kubelets before 1.28 and
    older device plugins say them: "cdi.k8s.io/ANYTHING" with names and commas between.

    Only the container's annotations count, as with CRI-O and containerd: a pod's are its user's.
    Raises InvalidArgument for what is no name of a CDI device.
    """
    names = [device.name for device in config.CDI_devices]
    for key, value in sorted(config.annotations.items()):
        if key.startswith(_CDI_PREFIX):
            names += value.split(",")
    for name in names:
        if not cdi.qualified(name):
            raise InvalidArgument(f"{name!r} is no CDI device", remedy="write VENDOR/CLASS=NAME")
    return list(dict.fromkeys(names))
