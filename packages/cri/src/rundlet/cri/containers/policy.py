"""What the node's configuration adds to a container, and what it refuses of one (crio.conf(5))."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

from rundlet.core import Engine
from rundlet.core.containers.request import ContainerRequest, Device, Mount, Resources
from rundlet.core.errors import InvalidArgument
from rundlet.core.format.units import parse_size
from rundlet.core.spec.host import here
from rundlet.core.spec.notes import allowed as allowed_annotations

from ..config.model import Config
from ..config.setup import config_of
from ..pods.record import Pod
from ..proto import api_pb2 as cri

DEVICES = "io.kubernetes.cri-o.Devices"
UMASK = "io.kubernetes.cri-o.umask"
SHM_SIZE = "io.kubernetes.cri-o.ShmSize"
UNIFIED = "io.kubernetes.cri-o.UnifiedCgroup."
LEAST_MEMORY = 12 * 1024 * 1024  # bytes, of a container on a handler that says nothing else
_MOUNTS_FILES = ("/etc/containers/mounts.conf", "/usr/share/containers/mounts.conf")
_GOMAXPROCS = "GOMAXPROCS"


def adjusted(
    engine: Engine, pod: Pod, config: cri.ContainerConfig, made: ContainerRequest
) -> ContainerRequest:
    """The request as this node has it. Raises InvalidArgument for what it does not allow."""
    node = config_of(engine)
    handler = table(engine, pod)
    annotations = kept(engine, pod.sandbox.annotations, made.annotations, handler)
    security = (*made.security_options, *_security(node, handler, made))
    changes: dict[str, Any] = {
        "annotations": annotations,
        "security_options": security,
        "devices": tuple(
            _owned(node, config, device) for device in (*made.devices, *_devices(node, annotations))
        ),
        "mounts": (*made.mounts, *_mounts(node, made)),
        "resources": _resources(node, pod, config, made.resources, annotations, handler),
        "umask": annotations.get(UMASK, ""),
        "hooks_dirs": node.texts("crio.runtime.hooks_dir"),
        "env": {**_gomaxprocs(engine, node, pod, config), **made.env},
    }
    if node.flag("crio.runtime.read_only") and not made.privileged:
        changes |= {"read_only": True, "read_only_tmpfs": True}
    if node.text("crio.image.image_volumes") == "ignore":
        changes["image_volumes"] = "ignore"
    return made.replace(**changes)


def table(engine: Engine, pod: Pod) -> Mapping[str, Any]:
    """What crio.conf says now of the pod's handler; {} for one that it does not name."""
    node = config_of(engine)
    name = pod.handler or node.text("crio.runtime.default_runtime") or engine.settings.runtime
    return node.runtimes.get(name, {})


def kept(
    engine: Engine,
    of_pod: Mapping[str, str],
    annotations: Mapping[str, str],
    handler: Mapping[str, Any],
) -> dict[str, str]:
    """The annotations without those that neither the handler nor a workload of the pod allows."""
    beginnings = list(handler.get("allowed_annotations", ()))
    for workload in config_of(engine).workloads.values():
        if workload["activation_annotation"] in of_pod:
            beginnings += workload["allowed_annotations"]
    return allowed_annotations(annotations, beginnings)


def source(engine: Engine, path: str) -> str:
    """The host path of a mount with links followed; one that is not there becomes a directory.

    Raises InvalidArgument for one that must be there.
    """
    node = config_of(engine)
    found = os.path.realpath(node.text("crio.runtime.bind_mount_prefix") + path)
    if not os.path.lexists(found):
        if path in node.texts("crio.runtime.absent_mount_sources_to_reject"):
            raise InvalidArgument(f"mount source {path} is not there, and must not be made")
        os.makedirs(found, mode=0o755, exist_ok=True)
    return found


def _security(node: Config, handler: Mapping[str, Any], made: ContainerRequest) -> list[str]:
    """Profiles of the node where the container asks for "the default" (so: for none by name)."""
    found = []
    seccomp = any(option.startswith("seccomp=") for option in made.security_options)
    profile = node.text("crio.runtime.privileged_seccomp_profile")
    if made.privileged and profile:
        found.append(f"seccomp={profile}")  # the last one counts
    elif not seccomp and handler.get("seccomp_profile"):
        found.append(f"seccomp={handler['seccomp_profile']}")
    apparmor = any(option.startswith("apparmor=") for option in made.security_options)
    path = "crio.runtime.apparmor_profile"
    if path in node.said and not apparmor and not made.privileged and here().apparmor:
        found.append(f"apparmor={node.text(path)}")
    return found


def _devices(node: Config, annotations: Mapping[str, str]) -> list[Device]:
    """additional_devices, and what the annotation asks for. Raises InvalidArgument."""
    asked = [text for text in annotations.get(DEVICES, "").split(",") if text]
    known = node.texts("crio.runtime.allowed_devices")
    for text in asked:
        path = text.partition(":")[0]
        if path not in known:
            raise InvalidArgument(
                f"annotation {DEVICES}: device {path} is not among the allowed_devices",
                remedy=f"Allowed: {', '.join(known)}.",
            )
    return [_device(text) for text in (*node.texts("crio.runtime.additional_devices"), *asked)]


def _device(text: str) -> Device:
    """HOST[:CONTAINER[:rwm]]; HOST:rwm too, as podman's --device."""
    path, _, rest = text.partition(":")
    inside, _, access = rest.partition(":")
    if inside and not inside.startswith("/"):
        inside, access = "", inside
    return Device(path, inside or path, access or "rwm")


def _owned(node: Config, config: cri.ContainerConfig, device: Device) -> Device:
    """device_ownership_from_security_context: devices are whose the container is."""
    context = config.linux.security_context
    if not node.flag("crio.runtime.device_ownership_from_security_context"):
        return device
    if context.HasField("run_as_user"):
        device = device.replace(uid=context.run_as_user.value)
    if context.HasField("run_as_group"):
        device = device.replace(gid=context.run_as_group.value)
    return device


def _mounts(node: Config, made: ContainerRequest) -> list[Mount]:
    """default_mounts_file: read-only binds of what is there (containers-mounts.conf(5))."""
    named = node.text("crio.runtime.default_mounts_file")
    taken = {mount.destination for mount in made.mounts}
    for path in (named,) if named else _MOUNTS_FILES:
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            continue
        pairs = [line.strip().partition(":") for line in lines if line.strip()[:1] not in ("", "#")]
        return [
            Mount("bind", inside or outside, outside, ("rbind", "ro", "rprivate"))
            for outside, _, inside in pairs
            if (inside or outside) not in taken and os.path.exists(outside)
        ]
    return []


def _resources(
    node: Config,
    pod: Pod,
    config: cri.ContainerConfig,
    made: Resources,
    annotations: Mapping[str, str],
    handler: Mapping[str, Any],
) -> Resources:
    if handler and made.memory and made.memory > 0:
        text = handler["container_min_memory"]
        least = parse_size(text.removesuffix("i")) if text else LEAST_MEMORY
        if made.memory < least:
            raise InvalidArgument(
                f"memory limit {made.memory} is too low: at least {least} bytes are needed"
            )
    name = config.metadata.name
    unified = annotations.get(f"{UNIFIED}{name}", "")
    pairs = [pair.partition("=") for pair in unified.split(";") if pair]
    made = made.replace(unified={**made.unified, **{key: value for key, _, value in pairs}})
    if node.number("crio.runtime.pids_limit") > 0:
        made = made.replace(pids_limit=node.number("crio.runtime.pids_limit"))
    of_pod = pod.sandbox.annotations
    for workload in node.workloads.values():
        if workload["activation_annotation"] in of_pod:
            made = made.replace(**_workload(workload, of_pod, name))
    return made


def _workload(workload: Mapping[str, Any], of_pod: Mapping[str, str], name: str) -> dict[str, Any]:
    """The resources of a workload, as its annotation for this container changes them."""
    key = f"{workload['annotation_prefix']}/{name}"
    wanted = dict(workload["resources"])
    try:
        for resource, value in json.loads(of_pod.get(key, "{}")).items():
            wanted[resource] = str(value) if resource == "cpuset" else int(value)
    except (ValueError, TypeError, AttributeError):
        raise InvalidArgument(f"annotation {key}: expected an object of resources") from None
    period = wanted["cpuperiod"] or (100_000 if wanted["cpulimit"] else 0)
    quota = wanted["cpulimit"] * period // 1000 if wanted["cpulimit"] else wanted["cpuquota"]
    found = {
        "cpuset_cpus": wanted["cpuset"],
        "cpu_shares": wanted["cpushares"],
        "cpu_period": period,
        "cpu_quota": quota,
    }
    return {field: value for field, value in found.items() if value}


def _gomaxprocs(
    engine: Engine, node: Config, pod: Pod, config: cri.ContainerConfig
) -> dict[str, str]:
    """Go programs of pods without a CPU of their own would start a thread for each of the node."""
    least = node.number("crio.runtime.min_injected_gomaxprocs")
    parent = pod.sandbox.linux.cgroup_parent
    if least <= 0 or not ("burstable" in parent or "besteffort" in parent):
        return {}
    image = engine.images.find(config.image.image)
    said = engine.images.config(image).config.get("Env") or () if image is not None else ()
    if any(text.startswith(f"{_GOMAXPROCS}=") for text in said):
        return {}
    shares = config.linux.resources.cpu_shares if "burstable" in parent else 0
    return {_GOMAXPROCS: str(max(math.ceil(shares / 1024 * 2), least))}
