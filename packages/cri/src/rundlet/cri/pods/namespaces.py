"""Namespaces of a pod, each pinned by a file: they need no process and outlive every server.

A pid namespace cannot be without its init: pods that share one have a process that only
waits (catatonit -P, pause(1) in all but name), and nobody else has.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable

from rundlet.core.errors import DriverUnavailable, InvalidArgument, RundletError, RuntimeFailed
from rundlet.core.linux import syscalls
from rundlet.core.linux.processes import alive, start_time
from rundlet.core.linux.spawn import spawn

_SELF = "/proc/thread-self/ns"
_CATATONIT = (
    "/usr/libexec/podman/catatonit",
    "/usr/libexec/catatonit/catatonit",
    "/usr/bin/catatonit",
    "/usr/local/libexec/podman/catatonit",
)


def make(files: dict[str, str], *, netns: str, hostname: str, sysctls: dict[str, str]) -> int:
    """Make namespaces, or take those that a user namespace of the pod owns; set its sysctls.

    files: kind ("ipc", "uts", "pid") to the file to pin each at, or where it is pinned already;
    kinds not in it stay the node's. netns: the file of the network namespace that network
    sysctls are set in, "" for the node's. Returns the process of a pid namespace that was made,
    0 for none. Raises InvalidArgument for a sysctl that the kernel refuses, RuntimeFailed.
    """
    there = {kind for kind, path in files.items() if os.path.exists(path)}

    def work() -> int:
        if netns:
            _join(netns, syscalls.CLONE_NEWNET)
        for kind, flag in (("ipc", syscalls.CLONE_NEWIPC), ("uts", syscalls.CLONE_NEWUTS)):
            if kind in there:
                _join(files[kind], flag)
            elif kind in files:
                syscalls.unshare(flag)
        if "uts" in files:
            socket.sethostname(hostname)
        for name, value in sysctls.items():
            _write(name, value)
        for kind in files.keys() - there - {"pid"}:
            pin(f"{_SELF}/{kind}", files[kind])
        return _init(files["pid"]) if "pid" in files.keys() - there else 0

    return _in_a_thread(work)


def pin(namespace: str, path: str) -> None:
    """Keep a namespace at a new file, for as long as that is mounted. Raises OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o444))
    syscalls.mount(namespace, path, flags=syscalls.MS_BIND)


def _in_a_thread(work: Callable[[], int]) -> int:
    """In a thread that ends with it: its namespaces are not those of any later work."""
    results: list[int | BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run, name="namespaces")
    thread.start()
    thread.join()
    (result,) = results
    if isinstance(result, OSError):
        raise RuntimeFailed(f"no namespaces for the pod: {result}") from result
    if isinstance(result, BaseException):
        raise result
    return result


def _join(path: str, flag: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.setns(descriptor, flag)
    finally:
        os.close(descriptor)


def _write(name: str, value: str) -> None:
    """sysctl(8)'s names: dots are slashes, unless the name has slashes already."""
    path = "/proc/sys/" + (name if "/" in name else name.replace(".", "/"))
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(value)
    except OSError as error:
        raise InvalidArgument(f"sysctl {name}={value}: {error.strerror}") from error


def init_command() -> tuple[str, ...]:
    """The init of a shared pid namespace. Raises DriverUnavailable where there is none."""
    program = next((one for one in _CATATONIT if os.access(one, os.X_OK)), "")
    if not program:
        raise DriverUnavailable(
            "pods with a shared pid namespace need catatonit", remedy="apt install catatonit"
        )
    return program, "-P"


def _init(path: str) -> int:
    """Start the init of a new pid namespace and pin that."""
    command = init_command()
    syscalls.unshare(syscalls.CLONE_NEWPID)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        streams = {0: null, 1: null, 2: null}
        name, _, value = mark(path).partition("=")
        variables = {name: value}
        pid = spawn(command, directory="/", environment=variables, descriptors=streams)
    finally:
        os.close(null)
    try:
        pin(f"/proc/{pid}/ns/pid", path)
    except OSError:
        end(pid, start_time(pid))
        raise
    return pid


def mark(path: str) -> str:
    """What the environment of an init says: where its namespace is, or was about to be, pinned."""
    return f"RUNDLET_POD={path}"


def inits(path: str) -> list[int]:
    """Processes with the mark of a path: for who was killed before it wrote down which one it
    had started."""
    wanted, found = mark(path).encode(), []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if name.isdecimal() and wanted in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            continue  # it has ended, or is none
    return found


def end(pid: int, started: int) -> None:
    """End the process of a pid namespace, and with it all that is left in there."""
    if pid and alive(pid, started):
        os.kill(pid, signal.SIGKILL)
    if pid:
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass  # another server's


def unpin(path: str) -> None:
    """Undo a pin or another mount, and remove its file or directory. Nothing if it is gone."""
    try:
        syscalls.unmount(path, syscalls.MNT_DETACH)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != 22:  # EINVAL: not mounted
            raise RundletError(f"cannot unmount {path}: {error.strerror}") from error
    if os.path.isdir(path):
        os.rmdir(path)
    else:
        os.unlink(path)
