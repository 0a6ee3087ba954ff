"""The `mounts` list: podman's own, the engine's files, the user's, sorted by depth."""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from . import mount_options
from .namespaces import is_host, mapped, mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..containers.request import ContainerRequest, Mount
    from .plan import SpecPlan

    OCIMount = dict[str, Any]

INIT_PATH = "/run/podman-init"  # where podman's --init program is, since 4.3
_QUIET = ("nosuid", "noexec", "nodev")
_READ_ONLY_TMPFS = ("/run", "/tmp", "/var/tmp")
# podman-run(1) --systemd
_SYSTEMD_TMPFS = ("/run", "/run/lock", "/tmp", "/var/log/journal")


def mounts(plan: SpecPlan) -> list[OCIMount]:
    """All mounts. A later one at the same place replaces an earlier one: the user's win.

    Parents come before what lies below them, else in the order given.
    """
    found: dict[str, OCIMount] = {}
    user = [_user_mount(_unmapped(plan, mount)) for mount in plan.mounts]
    taken = {mount["destination"] for mount in user}
    for mount in (*_defaults(plan, taken), *_files(plan), *_optional_tmpfs(plan), *user):
        found.pop(mount["destination"], None)
        found[mount["destination"]] = mount
    return sorted(found.values(), key=lambda mount: _depth(mount["destination"]))


def _depth(path: str) -> int:
    return 0 if path == "/" else path.rstrip("/").count("/")


def _mount(destination: str, kind: str, options: Iterable[str]) -> OCIMount:
    return {"destination": destination, "type": kind, "source": kind, "options": list(options)}


def _bind(source: str, destination: str, options: Iterable[str]) -> OCIMount:
    return {
        "destination": destination,
        "type": "bind",
        "source": source,
        "options": ["bind", "rprivate", *options],
    }


def _defaults(plan: SpecPlan, taken: set[str]) -> list[OCIMount]:
    """What podman mounts in every container. `-v X:/dev` takes away the mounts below /dev."""
    request = plan.request
    own = [_proc(plan)]
    if "/dev" not in taken:
        dev = _mount(
            "/dev", "tmpfs", ("nosuid", "noexec", "strictatime", "mode=755", "size=65536k")
        )
        dev["source"] = "tmpfs"
        if _without_tmpfs(request):
            dev["options"].append("ro")
        pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
        own += [
            dev,
            _mount("/dev/pts", "devpts", [*pts, "gid=5"] if mapped(plan, 5) else pts),
            _mount("/dev/mqueue", "mqueue", _QUIET),
        ]
        if is_host(plan, "ipc") and os.path.isdir("/dev/mqueue"):
            own[-1] = _bind("/dev/mqueue", "/dev/mqueue", _QUIET)
        if request.ipc != "none":
            own.append(_shm(plan))
    if "/sys" not in taken:
        own += [_sysfs(plan), _cgroup(plan)]
    return own


def _proc(plan: SpecPlan) -> OCIMount:
    if is_host(plan, "pid") and not is_host(plan, "user"):
        # A user namespace may not mount proc over the host's pid namespace.
        return {
            "destination": "/proc",
            "type": "bind",
            "source": "/proc",
            "options": ["rbind", *_QUIET],
        }
    options = [*_QUIET]
    for text in plan.request.security_options:
        if text.startswith("proc-opts="):
            options += text.removeprefix("proc-opts=").split(",")
    return _mount("/proc", "proc", options)


def _sysfs(plan: SpecPlan) -> OCIMount:
    access = "rw" if plan.request.privileged else "ro"
    # sysfs shows a network namespace, and only the user namespace that owns that may mount it.
    # One that the runtime makes owns neither the host's nor one that was there before it.
    users = mode(plan, "user")
    joins_network = plan.network_namespace != ""
    if (users == "private" and joins_network) or (users != "host" and is_host(plan, "network")):
        return {
            "destination": "/sys",
            "type": "bind",
            "source": "/sys",
            "options": ["rprivate", *_QUIET, access, "rbind"],
        }
    return _mount("/sys", "sysfs", (*_QUIET, access))


def _cgroup(plan: SpecPlan) -> OCIMount:
    writable = plan.request.privileged or plan.systemd
    access = "rw" if writable else "ro"
    return _mount("/sys/fs/cgroup", "cgroup", ("rprivate", *_QUIET, "relatime", access))


def _shm(plan: SpecPlan) -> OCIMount:
    if is_host(plan, "ipc"):
        return _bind("/dev/shm", "/dev/shm", _QUIET)
    if plan.shm:
        return _bind(plan.shm, "/dev/shm", _QUIET)
    size = plan.request.shm_size
    size = plan.settings.shm_size if size is None else size
    limit = [f"size={size}"] if size else []
    access = ["ro"] if _without_tmpfs(plan.request) else []
    shm = _mount("/dev/shm", "tmpfs", [*_QUIET, "mode=1777", *limit, *access])
    shm["source"] = "shm"
    return shm


def _without_tmpfs(request: ContainerRequest) -> bool:
    """Whether nothing is to be writable (--read-only --read-only-tmpfs=false)."""
    return request.read_only and not request.read_only_tmpfs


def _files(plan: SpecPlan) -> list[OCIMount]:
    options = ("ro", "nosuid", "noexec", "nodev") if plan.request.read_only else ()
    result = [_bind(source, destination, options) for destination, source in plan.files.items()]
    if plan.request.init:
        if not plan.init_path:
            raise InvalidArgument(
                "--init: no init program was found", remedy="install catatonit, or set init_path"
            )
        result.append(_bind(plan.init_path, INIT_PATH, ("ro", "nosuid", "nodev")))
    return result


def _optional_tmpfs(plan: SpecPlan) -> list[OCIMount]:
    """For a read-only root, and for systemd as the container's init."""
    result: dict[str, OCIMount] = {}
    if plan.request.read_only and plan.request.read_only_tmpfs:
        for path in _READ_ONLY_TMPFS:
            result[path] = _tmpfs(path, ("rw", "rprivate", "nosuid", "nodev", "tmpcopyup"))
    if plan.systemd:
        size = plan.request.shm_size_systemd
        limit = (f"size={size}",) if size else ()
        for path in _SYSTEMD_TMPFS:
            options = ("rw", "rprivate", "nosuid", "nodev", "tmpcopyup", *limit, "mode=755")
            result[path] = _tmpfs(path, ("mode=1777", *options[:-1]) if path == "/tmp" else options)
    return list(result.values())


def _tmpfs(destination: str, options: Iterable[str]) -> OCIMount:
    return _mount(destination, "tmpfs", options)


def _unmapped(plan: SpecPlan, mount: Mount) -> Mount:
    """Without `idmap` in a container that has the host's users: its ids are the file system's."""
    if not {"idmap", "ridmap"}.intersection(mount.options) or not is_host(plan, "user"):
        return mount
    return mount.replace(options=tuple(o for o in mount.options if o not in ("idmap", "ridmap")))


def check_destination(mount: Mount) -> None:
    """Whether something can be mounted there. Raises InvalidArgument."""
    destination = mount.destination
    if not destination.startswith("/"):
        raise InvalidArgument(f"mount destination {destination!r} is not an absolute path")
    if destination.rstrip("/") == "":
        raise InvalidArgument("a mount over the container's / is not possible")


def _user_mount(mount: Mount) -> OCIMount:
    check_destination(mount)
    destination = mount.destination.rstrip("/")
    if mount.kind == "ramfs":
        words = mount_options.tmpfs(mount.options)
        return _mount(destination, "ramfs", [word for word in words if word != "tmpcopyup"])
    if mount.kind == "tmpfs":
        return _tmpfs(destination, mount_options.tmpfs(mount.options))
    if mount.kind == "devpts":
        return _mount(destination, "devpts", mount.options or ("nosuid", "noexec", "newinstance"))
    if not mount.source.startswith("/"):
        raise InvalidArgument(f"mount source {mount.source!r} is not an absolute path")
    options = list(mount.options)
    if mount.kind == "image" and not {"ro", "rw", "rw=true", "rw=false"}.intersection(options):
        options.append("ro")
    return {
        "destination": destination,
        "type": "bind",
        "source": mount.source,
        "options": mount_options.bind(mount.source, options, volume=mount.kind == "volume"),
    }


def propagation(generated: Iterable[OCIMount]) -> str:
    """`linux.rootfsPropagation`: what shared or slave mounts inside need of the root, else ""."""
    words = {word for mount in generated for word in mount["options"]}
    if words & {"shared", "rshared"}:
        return "shared"
    return "rslave" if words & {"slave", "rslave"} else ""
