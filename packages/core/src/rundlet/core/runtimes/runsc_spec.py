"""What gVisor cannot do, taken out of a spec (gvisor.dev/docs/user_guide/compatibility).

Host devices, sysctls, shared mount propagation, the host's or another container's pid, ipc
and uts namespaces do not reach into the sandbox. Masked paths are done by mounts.
"""

from __future__ import annotations

import os

from ..spec.rootfs import open_beneath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..contracts.runtime import OCISpec

# Capabilities of Linux 5.8 and 5.9, on which old releases fail ("invalid capability").
NEW_CAPABILITIES = frozenset(("CAP_BPF", "CAP_PERFMON", "CAP_CHECKPOINT_RESTORE"))
_OWN = ("pid", "ipc", "uts")
_PROPAGATION = {"shared": "slave", "rshared": "rslave"}
# gVisor's own /proc and /sys do not have what is masked by default.
_EMULATED = ("/proc/", "/sys/")
_QUIET_SYSCTL = "net.ipv4.ping_group_range"  # a default that nobody asked for


def adapt(spec: OCISpec, warnings: list[str], *, old_capabilities: bool) -> OCISpec:
    """A copy of the spec that runsc accepts; appends what was lost to `warnings`."""
    linux = dict(spec.get("linux", {}))
    root = spec.get("root", {}).get("path", "")
    mounts = [_mount(mount, root, warnings) for mount in spec.get("mounts", ())]
    mounts += _masks(linux, root)
    _devices(linux, warnings)
    _sysctls(linux, warnings)
    _namespaces(linux, warnings)
    if linux.get("rootfsPropagation") in _PROPAGATION:
        linux["rootfsPropagation"] = _PROPAGATION[linux["rootfsPropagation"]]
    adapted = {**spec, "linux": linux, "mounts": mounts}
    if old_capabilities and "process" in spec:
        adapted["process"] = _capabilities(spec["process"], warnings)
    return adapted


def _mount(mount: Mapping[str, Any], root: str, warnings: list[str]) -> dict[str, Any]:
    options = list(mount.get("options", ()))
    where = mount["destination"]
    for index, option in enumerate(options):
        if option in _PROPAGATION:
            options[index] = _PROPAGATION[option]
            warnings.append(f"{where}: mounts made inside do not reach the host ({option})")
        elif option == "rro":
            options[index] = "ro"
            warnings.append(f"{where}: read-only, but not the mounts below it (rro)")
    if "tmpcopyup" in options:
        options.remove("tmpcopyup")
        if _has_content(root, where):
            warnings.append(f"{where}: the image's files are not copied into the tmpfs")
    return {**mount, "options": options}


def _has_content(root: str, path: str) -> bool:
    descriptor = open_beneath(root, path) if root else -1
    if descriptor < 0:
        return False
    try:
        return bool(os.listdir(descriptor))
    except NotADirectoryError:
        return False
    finally:
        os.close(descriptor)


def _masks(linux: dict[str, Any], root: str) -> list[dict[str, Any]]:
    """Mounts that hide the masked paths which are the image's own; runsc knows no masks."""
    masked = [p for p in linux.get("maskedPaths", ()) if not p.startswith(_EMULATED)]
    if not masked:
        return []
    linux["maskedPaths"] = [p for p in linux["maskedPaths"] if p.startswith(_EMULATED)]
    return [mount for path in masked if (mount := _mask(root, path)) is not None]


def _mask(root: str, path: str) -> dict[str, Any] | None:
    descriptor = open_beneath(root, path)
    if descriptor < 0:
        return None  # nothing there to hide
    try:
        os.listdir(descriptor)
        kind, source, options = "tmpfs", "tmpfs", ["ro", "nosuid", "nodev"]
    except NotADirectoryError:
        kind, source, options = "bind", "/dev/null", ["bind", "ro"]
    finally:
        os.close(descriptor)
    return {"destination": path, "type": kind, "source": source, "options": options}


def _devices(linux: dict[str, Any], warnings: list[str]) -> None:
    devices = linux.pop("devices", ())
    if not devices:
        return
    paths = [device["path"] for device in devices]
    named = ", ".join(paths) if len(paths) <= 3 else f"{len(paths)} devices of the host"
    warnings.append(f"devices do not reach into the sandbox: {named}")


def _sysctls(linux: dict[str, Any], warnings: list[str]) -> None:
    sysctls = linux.pop("sysctl", {})
    names = [name for name in sysctls if name != _QUIET_SYSCTL]
    if names:
        warnings.append(f"sysctls have no effect in the sandbox: {', '.join(names)}")


def _namespaces(linux: dict[str, Any], warnings: list[str]) -> None:
    rows = list(linux.get("namespaces", ()))
    joined = {row["type"]: row.get("path", "") for row in rows}
    foreign = [kind for kind in _OWN if kind not in joined or joined[kind]]
    if not foreign:
        return
    warnings.append(
        f"the sandbox has its own {', '.join(foreign)} namespace, not the one asked for"
    )
    kept = [row for row in rows if row["type"] not in foreign]
    linux["namespaces"] = [*kept, *({"type": kind} for kind in foreign)]


def _capabilities(process: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    sets = process.get("capabilities", {})
    lost = sorted(NEW_CAPABILITIES.intersection(sets.get("bounding", ())))
    if not lost:
        return dict(process)
    warnings.append(f"this release of runsc does not know {', '.join(lost)}")
    kept = {k: [name for name in names if name not in lost] for k, names in sets.items()}
    return {**process, "capabilities": kept}
