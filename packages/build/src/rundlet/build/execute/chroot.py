"""A command isolated by chroot(2) and a few namespaces alone (--isolation=chroot).

For where no OCI runtime can run: inside of another container, on a kernel without cgroups.
Network, cgroup and seccomp are the host's; capabilities are bounded as a runtime's are. The
command is the first process of a PID namespace: when it ends, or we are killed, all that it
has started ends.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from rundlet.core.errors import NotSupported
from rundlet.core.linux import syscalls
from rundlet.core.spec import user
from rundlet.core.spec.capabilities import ALL, DEFAULT, bounding

from . import running as runs

if TYPE_CHECKING:
    from rundlet.build.execute.running import Order
    from rundlet.core.containers.request import ContainerRequest, Mount
    from rundlet.core.spec.user import User

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYSTEM = ("dev", "proc", "sys")
_FILES = ("etc/hosts", "etc/resolv.conf")
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP = 1, 24  # prctl(2)
_NAMESPACES = (
    syscalls.CLONE_NEWNS | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWPID
)
_libc = ctypes.CDLL(None, use_errno=True)
_FAILED, _NOT_FOUND, _NOT_EXECUTABLE = 125, 127, 126


def run(root: str, order: Order, template: ContainerRequest, *, patient: bool = False) -> int:
    """Run a command to its end; its exit code, 128 and the signal that killed it.

    patient: an interrupt of ours is the command's business, which got it as well.
    Raises NotSupported for what needs a container.
    """
    network = order.network or template.network
    if network not in ("", "host"):
        raise NotSupported(f"cannot set --network {network} with --isolation chroot")
    if template.uid_map or template.userns not in ("", "host"):
        raise NotSupported("--isolation chroot has no user namespaces", remedy="--isolation oci")
    mounts = (*template.mounts, *order.mounts)
    for mount in mounts:
        if mount.kind not in ("bind", "tmpfs"):
            raise NotSupported(f"a mount of type {mount.kind} needs --isolation=oci")
    who = user.lookup(root, order.user)
    names, _ = bounding(DEFAULT, template.cap_add, template.cap_drop, ALL)
    kept = {ALL.index(name) for name in names}
    dropped = [number for number in range(_last() + 1) if number not in kept]
    environment = {"PATH": _PATH, "HOME": who.home, **template.env, **order.environment}
    with runs.untouched(root, (mount.destination for mount in mounts)):
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if not child:
            _child(root, order, mounts, who, dropped, environment)
        return _wait(child, patient)


def _wait(child: int, patient: bool) -> int:
    """The exit code of the child."""
    while True:
        try:
            status = os.waitpid(child, 0)[1]
        except KeyboardInterrupt:
            if patient:
                continue
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _child(
    root: str,
    order: Order,
    mounts: tuple[Mount, ...],
    who: User,
    dropped: list[int],
    environment: dict[str, str],
) -> NoReturn:
    """The new process: never returns."""
    code = _FAILED
    try:
        _die_with_parent()
        syscalls.unshare(_NAMESPACES)
        inner = os.fork()
        if inner:  # outside of the PID namespace still
            os._exit(_wait(inner, True))
        _die_with_parent()
        if not order.stdin:
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
        if order.output != 1:
            os.dup2(order.output, 1)
        _enter(root, mounts)
        os.makedirs(order.workdir, exist_ok=True)
        os.chdir(order.workdir)
        _become(who, dropped)
        code = _NOT_FOUND
        os.execvpe(order.words[0], order.words, environment)
    except PermissionError as error:
        code = _NOT_EXECUTABLE if code == _NOT_FOUND else code
        sys.stderr.write(f"Error: {order.words[0]}: {error}\n")
    except BaseException as error:  # nothing may escape: the parent's code must not run twice
        sys.stderr.write(f"Error: {order.words[0]}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _enter(root: str, mounts: tuple[Mount, ...]) -> None:
    """Mounts of its own, with what programs need, and the root changed."""
    syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    for name in _SYSTEM:
        os.makedirs(f"{root}/{name}", exist_ok=True)
        _bind(f"/{name}", f"{root}/{name}", recursive=True)
    try:
        syscalls.mount("proc", f"{root}/proc", "proc")
    except OSError:
        pass  # inside of a container that masks its own: the host's processes are seen then
    for name in _FILES:
        if os.path.exists(f"/{name}"):
            _bind(os.path.realpath(f"/{name}"), f"{root}/{name}")
    for mount in mounts:
        _mount(mount, _inside(root, mount.destination))
    os.chroot(root)
    os.chdir("/")


def _inside(root: str, destination: str) -> str:
    """Where a mount point is on the host. Links in the container lead nowhere outside of it."""
    from rundlet.build.execute import filesystem

    filesystem.make_directories(root, os.path.dirname(destination), 0, 0)
    return filesystem.real_path(root, destination)


def _mount(mount: Mount, target: str) -> None:
    if mount.kind == "tmpfs":
        words = [word for word in mount.options if word.startswith(("size=", "mode="))]
        os.makedirs(target, exist_ok=True)
        syscalls.mount("tmpfs", target, "tmpfs", data=",".join(words))
        return
    _bind(mount.source, target, recursive=True)
    if "ro" in mount.options:
        flags = syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY
        syscalls.mount("", target, flags=flags)


def _bind(source: str, target: str, *, recursive: bool = False) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644))
    flags = syscalls.MS_BIND | (syscalls.MS_REC if recursive else 0)
    syscalls.mount(source, target, flags=flags)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _last() -> int:
    """The highest number of a capability that this kernel has."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def _become(who: User, dropped: list[int]) -> None:
    """The user, without these capabilities. (No module can be imported any more.)"""
    for number in dropped:
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    os.setgroups(list(who.groups))
    os.setgid(who.gid)
    os.setuid(who.uid)
    _die_with_parent()  # other ids have made the kernel forget it
    os.umask(0o022)
