"""Telling systemd how far a container is: sd_notify(3), podman-run(1) --sdnotify."""

from __future__ import annotations

import os
from contextlib import contextmanager

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contracts.monitor import Monitored
    from ..contracts.runtime import OCIRuntime
    from .request import ContainerRequest

_VARIABLE = "NOTIFY_SOCKET"
_LONGEST = 107  # bytes of a socket's path: sun_path of unix(7), without the zero at its end


def check(request: ContainerRequest, runtime: OCIRuntime, container: str) -> None:
    """Whether the runtime can bind the socket by which the container says READY.

    Raises InvalidArgument where its path would be too long; container: its id.
    """
    if request.sdnotify != "container" or not os.environ.get(_VARIABLE):
        return
    path = runtime.notify_socket(container)
    above = len(os.fsencode(path)) - _LONGEST
    if above > 0:
        raise InvalidArgument(
            f"--sdnotify=container: {runtime.name} cannot bind {path}: paths of sockets have at"
            f" most {_LONGEST} bytes",
            remedy=f"use a --runroot that is {above} bytes shorter, or another --sdnotify",
        )


def environment(request: ContainerRequest) -> dict[str, str]:
    """For the monitor: only with "container" the runtime gets the socket ("" takes it away)."""
    return {} if request.sdnotify == "container" else {_VARIABLE: ""}


@contextmanager
def hidden(request: ContainerRequest) -> Iterator[None]:
    """For the runtime's `start`, which looks for the variable as `create` does (crun(1))."""
    kept = os.environ.pop(_VARIABLE, None) if request.sdnotify != "container" else None
    try:
        yield
    finally:
        if kept is not None:
            os.environ[_VARIABLE] = kept


def created(request: ContainerRequest, monitored: Monitored) -> None:
    """The monitor is what systemd must watch; who is told READY by the container itself."""
    if request.sdnotify != "ignore" and monitored.monitor_pid:
        send(f"MAINPID={monitored.monitor_pid}")


def started(request: ContainerRequest) -> None:
    """With "conmon", the container is ready once it runs."""
    if request.sdnotify == "conmon":
        send("READY=1")


def healthy(request: ContainerRequest) -> None:
    """With "healthy", once its first healthcheck passed."""
    if request.sdnotify == "healthy":
        send("READY=1")


def send(message: str) -> None:
    """Write to $NOTIFY_SOCKET; nothing happens without one, or when nobody listens."""
    path = os.environ.get(_VARIABLE, "")
    if not path.startswith(("/", "@")):
        return
    import socket

    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.sendto(message.encode(), socket.MSG_NOSIGNAL, address)
        except OSError:
            return
