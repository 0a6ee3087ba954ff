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


def make(
    files: dict[str, str], *, netns: str, hostname: str, sysctls: dict[str, str], pid: bool
) -> int:
    """Make namespaces and set the sysctls of the pod.

    files: "ipc" and "uts" to the file to pin each at, and "pid" with `pid`; kinds not in it
    stay the node's. netns: the file of the network namespace that network sysctls are set
    in, "" for the node's. Returns the process of the pid namespace, 0 for none. Raises
    InvalidArgument for a sysctl that the kernel refuses, RuntimeFailed.
    """
    for path in files.values():
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o444))

    def work() -> int:
        if netns:
            _join(netns)
        if "ipc" in files:
            syscalls.unshare(syscalls.CLONE_NEWIPC)
        if "uts" in files:
            syscalls.unshare(syscalls.CLONE_NEWUTS)
            socket.sethostname(hostname)
        for name, value in sysctls.items():
            _write(name, value)
        for kind in ("ipc", "uts"):
            if kind in files:
                syscalls.mount(f"{_SELF}/{kind}", files[kind], flags=syscalls.MS_BIND)
        return _init(files["pid"]) if pid else 0

    return _in_a_thread(work)


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


def _join(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.setns(descriptor, syscalls.CLONE_NEWNET)
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


def _init(path: str) -> int:
    """Start the init of a new pid namespace and pin that."""
    program = next((one for one in _CATATONIT if os.access(one, os.X_OK)), "")
    if not program:
        raise DriverUnavailable(
            "pods with a shared pid namespace need catatonit", remedy="apt install catatonit"
        )
    syscalls.unshare(syscalls.CLONE_NEWPID)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        pid = spawn(
            [program, "-P"],
            directory="/",
            environment={},
            descriptors={0: null, 1: null, 2: null},
        )
    finally:
        os.close(null)
    try:
        syscalls.mount(f"/proc/{pid}/ns/pid", path, flags=syscalls.MS_BIND)
    except OSError:
        end(pid, start_time(pid))
        raise
    return pid


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
