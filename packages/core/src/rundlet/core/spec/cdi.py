"""Devices by name: the Container Device Interface (CDI specification 0.8.0).

Vendors' files in /etc/cdi and /var/run/cdi say what a device such as `vendor.com/class=name`
adds to a container: device nodes, mounts, variables, hooks, groups.
"""

from __future__ import annotations

import os
import stat

from .. import json
from ..errors import InvalidArgument
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

DIRECTORIES = ("/etc/cdi", "/var/run/cdi")
_ENDINGS = (".json", ".yaml", ".yml")
_HOOKS = frozenset(
    ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
)


class CDIDevice(Value):
    """One device: its edits, and those of the file that it is in. priority: of the directory."""

    name: str
    path: str
    priority: int
    edits: tuple[dict[str, Any], ...]


def qualified(text: str) -> bool:
    """Whether it is the name of a CDI device, vendor/class=name, and no path."""
    kind, equals, name = text.partition("=")
    vendor, slash, group = kind.partition("/")
    return bool(equals and name and vendor and slash and group)


def inject(spec: dict[str, Any], names: Iterable[str], directories: Sequence[str]) -> None:
    """Edit a config.json for the devices. Raises InvalidArgument naming what is wrong."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return
    found = devices(directories)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise InvalidArgument(
            f"unresolvable CDI devices {', '.join(missing)}",
            remedy=f"their vendor's files belong in {' or '.join(directories)}",
        )
    edited: list[int] = []
    for name in wanted:
        for edits in found[name].edits:
            if id(edits) not in edited:  # those of a file once, for however many of its devices
                edited.append(id(edits))
                _edit(spec, edits, found[name].path)


def devices(directories: Sequence[str]) -> dict[str, CDIDevice]:
    """All devices by qualified name; those of later directories win.

    Raises InvalidArgument for one that two files of the same directory name.
    """
    found: dict[str, CDIDevice] = {}
    for priority, directory in enumerate(directories):
        for device in _in(directory, priority):
            before = found.get(device.name)
            if before is not None and before.priority == priority and before.path != device.path:
                raise InvalidArgument(
                    f"CDI device {device.name} is in {before.path} and in {device.path}"
                )
            found[device.name] = device
    return found


def _in(directory: str, priority: int) -> Iterable[CDIDevice]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        if name.endswith(_ENDINGS):
            yield from _of(f"{directory}/{name}", priority)


def _of(path: str, priority: int) -> Iterable[CDIDevice]:
    document = _read(path)
    kind = document.get("kind")
    if not isinstance(kind, str) or not qualified(f"{kind}=x"):
        raise InvalidArgument(f"{path}: kind {kind!r} is not vendor/class")
    common = document.get("containerEdits") or {}
    for device in document.get("devices") or ():
        edits = device.get("containerEdits") or {}
        yield CDIDevice(f"{kind}={device.get('name')}", path, priority, (common, edits))


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if path.endswith(".json"):
            document = json.loads(text)
        else:
            import yaml

            document = yaml.safe_load(text)
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from error
    except Exception as error:  # of either parser
        raise InvalidArgument(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise InvalidArgument(f"{path}: not an object")
    return document


def _edit(spec: dict[str, Any], edits: dict[str, Any], path: str) -> None:
    try:
        process = spec["process"]
        for pair in edits.get("env") or ():
            _variable(process, pair)
        for node in edits.get("deviceNodes") or ():
            _device(spec, node, path)
        for mount in edits.get("mounts") or ():
            _mount(spec, mount)
        for hook in edits.get("hooks") or ():
            _hook(spec, hook, path)
        groups = [group for group in edits.get("additionalGids") or () if group]
        if groups:
            kept = process["user"].get("additionalGids") or []
            process["user"]["additionalGids"] = list(dict.fromkeys([*kept, *groups]))
        if edits.get("intelRdt"):
            spec["linux"]["intelRdt"] = dict(edits["intelRdt"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(f"{path}: malformed containerEdits: {error!r}") from error


def _variable(process: dict[str, Any], pair: str) -> None:
    name = pair.partition("=")[0]
    kept = [one for one in process.get("env") or () if one.partition("=")[0] != name]
    process["env"] = [*kept, pair]


def _device(spec: dict[str, Any], node: dict[str, Any], path: str) -> None:
    host = node.get("hostPath") or node["path"]
    device = {"path": node["path"], **_numbers(host, node, path)}
    for theirs, ours in (("fileMode", "fileMode"), ("uid", "uid"), ("gid", "gid")):
        if node.get(theirs) is not None:
            device[ours] = node[theirs]
    linux = spec["linux"]
    kept = [one for one in linux.get("devices") or () if one["path"] != device["path"]]
    linux["devices"] = [*kept, device]
    if device["type"] in ("c", "b"):
        rules = linux.setdefault("resources", {}).setdefault("devices", [])
        rules.append(
            {
                "allow": True,
                "type": device["type"],
                "major": device["major"],
                "minor": device["minor"],
                "access": node.get("permissions") or "rwm",
            }
        )


def _numbers(host: str, node: dict[str, Any], path: str) -> dict[str, Any]:
    """Type and numbers as written, else of the host's node."""
    if node.get("type") == "p":
        return {"type": "p"}
    if node.get("type") and node.get("major") is not None:
        return {"type": node["type"], "major": node["major"], "minor": node.get("minor", 0)}
    try:
        found = os.stat(host)
    except OSError as error:
        raise InvalidArgument(f"{path}: device {host}: {error.strerror}") from error
    if not stat.S_ISCHR(found.st_mode) and not stat.S_ISBLK(found.st_mode):
        raise InvalidArgument(f"{path}: {host} is not a device node")
    kind = "c" if stat.S_ISCHR(found.st_mode) else "b"
    return {"type": kind, "major": os.major(found.st_rdev), "minor": os.minor(found.st_rdev)}


def _mount(spec: dict[str, Any], mount: dict[str, Any]) -> None:
    place = mount["containerPath"]
    options = list(mount.get("options") or ())
    if not {"bind", "rbind"} & set(options) and mount.get("type", "") in ("", "bind"):
        options.append("bind")
    made = {
        "destination": place,
        "source": mount["hostPath"],
        "type": mount.get("type") or "bind",
        "options": options,
    }
    kept = [one for one in spec.get("mounts") or () if one["destination"] != place]
    spec["mounts"] = [*kept, made]


def _hook(spec: dict[str, Any], hook: dict[str, Any], path: str) -> None:
    name = hook["hookName"]
    if name not in _HOOKS:
        raise InvalidArgument(f"{path}: there is no hook {name!r}")
    made = {key: hook[key] for key in ("path", "args", "env", "timeout") if hook.get(key)}
    spec.setdefault("hooks", {}).setdefault(name, []).append(made)
