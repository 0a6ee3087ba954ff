"""The OCI `config.json` of a container (runtime-spec config.md), part by part.

Each part is a module; this one only puts them in their places. Pure, but for reading
the root file system's passwd and group and the host's devices.
"""

from __future__ import annotations

import os

from ..cgroups.container import cgroups_path
from ..errors import InvalidArgument, NotSupported
from . import capabilities, devices, notes, resources, seccomp, security, sysctls
from .mounts import mounts, propagation
from .namespaces import id_maps, is_host, namespaces
from .plan import Generated, SpecPlan
from .process import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Generated", "SpecPlan", "generate"]

_RESCTRL = "/sys/fs/resctrl"
_PROFILE_LABEL = "io.containers.seccomp.profile"  # podman-run(1) --seccomp-policy
OCI_VERSION = "1.0.2"  # the newest that every runtime of Debian 12 accepts


def generate(plan: SpecPlan) -> Generated:
    """Make the spec. Raises InvalidArgument, or NotSupported, naming the option that is wrong."""
    warnings: list[str] = []
    request = plan.request
    confined = security.confinement(plan)
    granted = _capabilities(plan, warnings)
    spec: dict[str, Any] = {
        "ociVersion": OCI_VERSION,
        "process": process(plan, confined, granted, warnings),
        "root": {"path": plan.rootfs},
        "mounts": mounts(plan),
        "annotations": notes.notes(plan, warnings),
        "linux": _linux(plan, confined, granted, warnings),
    }
    if plan.host.selinux and not request.privileged:
        _label(spec, plan)
    if request.read_only:
        spec["root"]["readonly"] = True
    if plan.hostname and not is_host(plan, "uts"):
        spec["hostname"] = plan.hostname
    propagated = propagation(spec["mounts"])
    if propagated:
        spec["linux"]["rootfsPropagation"] = propagated
    return Generated(spec, tuple(warnings))


def _label(spec: dict[str, Any], plan: SpecPlan) -> None:
    from .labels import labels  # few hosts need it

    found = labels(plan.request.security_options)
    if found.process:
        spec["process"]["selinuxLabel"] = found.process
        spec["linux"]["mountLabel"] = found.mount


def _capabilities(plan: SpecPlan, warnings: list[str]) -> tuple[str, ...]:
    request = plan.request
    if request.privileged:
        return tuple(sorted(plan.host.capabilities))
    default = plan.settings.default_capabilities
    granted, missing = capabilities.bounding(
        capabilities.DEFAULT if default is None else default,
        request.cap_add,
        request.cap_drop,
        plan.host.capabilities,
    )
    warnings += [f"{name} cannot be added: this process does not have it" for name in missing]
    return granted


def _linux(
    plan: SpecPlan, confined: security.Confinement, granted: tuple[str, ...], warnings: list[str]
) -> dict[str, Any]:
    linux: dict[str, Any] = {
        **id_maps(plan),
        "sysctl": sysctls.sysctls(plan),
        **({} if plan.request.cgroups == "disabled" else _cgroup(plan, warnings)),
        "namespaces": namespaces(plan),
        "devices": devices.devices(plan),
        "maskedPaths": list(confined.masked),
        "readonlyPaths": list(confined.read_only),
    }
    profile = _seccomp(plan, confined, granted)
    if profile is not None:
        linux["seccomp"] = profile
    if plan.request.rdt_class:
        linux["intelRdt"] = {"closID": _rdt_class(plan.request.rdt_class)}
    if plan.request.personality:
        linux["personality"] = _personality(plan.request.personality)
    return {key: value for key, value in linux.items() if value not in ({}, [])}


def _cgroup(plan: SpecPlan, warnings: list[str]) -> dict[str, Any]:
    path = plan.cgroup or cgroups_path(plan.layout, plan.container, plan.request.cgroup_parent)
    return {"resources": resources.resources(plan, warnings), "cgroupsPath": path}


def _seccomp(
    plan: SpecPlan, confined: security.Confinement, granted: tuple[str, ...]
) -> dict[str, Any] | None:
    """The user's profile, else with --seccomp-policy=image the image's own, else the default."""
    own = (plan.image.get("Labels") or {}).get(_PROFILE_LABEL)
    asked = any(text.startswith("seccomp") for text in plan.request.security_options)
    if plan.request.seccomp_policy == "image" and own and not asked:
        return seccomp.of_text(own, granted, plan.host, f"profile in the label {_PROFILE_LABEL}")
    return seccomp.seccomp(confined.seccomp, granted, plan.host)


def _rdt_class(name: str) -> str:
    """resctrl's groups (kernel: filesystems/resctrl.rst). Raises for what is not there."""
    if not os.path.exists(f"{_RESCTRL}/schemata"):
        raise NotSupported(
            f"--rdt-class {name}: this kernel has no cache allocation, or it is not mounted",
            remedy=f"mount -t resctrl resctrl {_RESCTRL}",
        )
    if "/" in name or not os.path.isdir(f"{_RESCTRL}/{name}"):
        raise InvalidArgument(f"--rdt-class {name}: no such class in {_RESCTRL}")
    return name


def _personality(text: str) -> dict[str, str]:
    """config-linux.md#personality; podman takes the names in any case."""
    domain = text.upper()
    if domain not in ("LINUX", "LINUX32"):
        raise InvalidArgument(f"invalid --personality {text!r}", remedy="use LINUX or LINUX32")
    return {"domain": domain}
