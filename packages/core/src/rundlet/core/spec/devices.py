"""Device nodes, and the rules of the devices cgroup that go with them."""

from __future__ import annotations

import os
import stat

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ..containers.request import Device
    from .plan import SpecPlan

    OCIDevice = dict[str, Any]

# Not copied from the host's /dev by --privileged: mounts of their own, the caller's terminal.
_SKIPPED_DIRECTORIES = frozenset(("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"))
_SKIPPED = frozenset(("/dev/console", "/dev/ptmx"))
# Made by every runtime (config-linux.md#default-devices): listing them again is noise.
_DEFAULT = frozenset(
    ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
)


def devices(plan: SpecPlan) -> list[OCIDevice]:
    """The `linux.devices` list: `--device`, and with `--privileged` all of the host's."""
    result: dict[str, OCIDevice] = {}
    if _all(plan):
        for entry in _tree("/dev", "/dev"):
            if not (plan.systemd and _is_terminal(entry["path"])):
                result[entry["path"]] = entry
    for device in plan.request.devices:
        for entry in _asked(device):
            result[entry["path"]] = entry
    return list(result.values())


def _all(plan: SpecPlan) -> bool:
    return plan.request.privileged and not plan.runtime_config.privileged_without_host_devices


def rules(plan: SpecPlan) -> list[dict[str, Any]]:
    """`linux.resources.devices`: deny all, allow those asked for; all of them when privileged."""
    if _all(plan):
        return [{"allow": True, "access": "rwm"}]
    result: list[dict[str, Any]] = [{"allow": False, "access": "rwm"}]
    for device in plan.request.devices:
        result += [
            {
                "allow": True,
                "type": entry["type"],
                "major": entry["major"],
                "minor": entry["minor"],
                "access": _permissions(device),
            }
            for entry in _asked(device)
        ]
    return result + [_rule(text) for text in plan.request.resources.device_cgroup_rules]


def check(wanted: Iterable[Device]) -> None:
    """Whether devices asked for are there, and may be used so. Raises InvalidArgument."""
    for device in wanted:
        _asked(device)


def _asked(device: Device) -> list[OCIDevice]:
    from .cdi import qualified

    source = device.source
    if qualified(source):
        return []  # cdi.inject adds it, to the whole spec
    if not source.startswith("/"):
        raise InvalidArgument(f"--device {source!r}: give an absolute path")
    _permissions(device)
    destination = device.destination or source
    if os.path.isdir(source):
        found = [_owned(entry, device) for entry in _tree(source, destination)]
        if not found:
            raise InvalidArgument(f"--device {source}: no devices found in it")
        return found
    entry = _entry(source, destination)
    if entry is None:
        reason = "is not a device node" if os.path.exists(source) else "no such file or directory"
        raise InvalidArgument(f"--device {source}: {reason}")
    return [_owned(entry, device)]


def _owned(entry: OCIDevice, device: Device) -> OCIDevice:
    said = {"uid": device.uid, "gid": device.gid}
    return {**entry, **{name: number for name, number in said.items() if number is not None}}


def _permissions(device: Device) -> str:
    text = device.permissions or "rwm"
    if not set(text) <= set("rwm"):
        raise InvalidArgument(f"--device {device.source}: invalid permissions {text!r} (rwm)")
    return text


def _entry(source: str, destination: str) -> OCIDevice | None:
    """The OCI device of a host node, following links; None where it is none."""
    try:
        found = os.stat(source)
    except OSError:
        return None
    if stat.S_ISCHR(found.st_mode):
        kind = "c"
    elif stat.S_ISBLK(found.st_mode):
        kind = "b"
    else:
        return None
    return {
        "path": destination,
        "type": kind,
        "major": os.major(found.st_rdev),
        "minor": os.minor(found.st_rdev),
        "fileMode": stat.S_IMODE(found.st_mode),
        "uid": found.st_uid,
        "gid": found.st_gid,
    }


def _tree(source: str, destination: str) -> Iterator[OCIDevice]:
    with os.scandir(source) as entries:
        for item in sorted(entries, key=lambda item: item.name):
            inside = f"{destination}/{item.name}"
            if item.is_symlink() or item.path in _SKIPPED or inside in _DEFAULT:
                continue
            if item.is_dir(follow_symlinks=False):
                if item.name not in _SKIPPED_DIRECTORIES:
                    yield from _tree(item.path, inside)
            elif not item.is_file(follow_symlinks=False):
                entry = _entry(item.path, inside)
                if entry is not None:
                    yield entry


def _is_terminal(path: str) -> bool:
    name = path.removeprefix("/dev/tty")
    return name != path and name.isdecimal()


def _rule(text: str) -> dict[str, Any]:
    """ "c 1:3 rwm" of --device-cgroup-rule (kernel devices cgroup); * or no minor: any number."""
    fields = text.split()
    major, colon, minor = fields[1].partition(":") if len(fields) == 3 else ("", "", "")
    minor = minor if colon else "*"
    numbers = all(part == "*" or part.isdecimal() for part in (major, minor))
    if not numbers or fields[0] not in ("a", "b", "c") or not set(fields[2]) <= set("rwm"):
        raise InvalidArgument(
            f"--device-cgroup-rule {text!r} is malformed", remedy="for example 'c 42:* rwm'"
        )
    rule: dict[str, Any] = {"allow": True, "type": fields[0], "access": fields[2]}
    if major != "*":
        rule["major"] = int(major)
    if minor != "*":
        rule["minor"] = int(minor)
    return rule
