"""Files that tell others which container, process and monitor it is: --cidfile, --pidfile."""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from .trees import unlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import ExitStack

    from ..contracts.monitor import Monitored
    from .request import ContainerRequest


def reserve(request: ContainerRequest, undo: ExitStack) -> int:
    """Make the --cidfile, empty; a descriptor of it, -1 where none is asked for.

    It goes again when the container is not made. One that is there, as after a power failure,
    is written over (podman since 5). Raises InvalidArgument.
    """
    path = request.cidfile
    if not path:
        return -1
    flags = os.O_WRONLY | os.O_CLOEXEC
    try:
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return os.open(path, flags)
    except OSError as error:
        raise InvalidArgument(f"--cidfile {path}: {error.strerror}") from None
    undo.callback(unlink, path)
    return descriptor


def fill(descriptor: int, container: str) -> None:
    """Write the id into the file that `reserve` made."""
    if descriptor >= 0:
        with open(descriptor, "w", encoding="utf-8") as file:
            if os.fstat(descriptor).st_size:  # of a device (/dev/stdout) nothing can be cut
                file.truncate(0)
            file.write(container)


def forget(request: ContainerRequest, container: str) -> None:
    """Remove the --cidfile: it goes with the container (podman-run(1)).

    One that names another container by now, or that is a device (/dev/null), is not ours to remove.
    """
    path = request.cidfile
    try:
        if path and os.path.isfile(path):
            with open(path, "rb") as file:
                ours = file.read(len(container) + 1) == container.encode()
            if ours:
                os.unlink(path)
    except OSError:
        return


def write_pids(request: ContainerRequest, monitored: Monitored) -> None:
    """Write --pidfile and --conmon-pidfile. Raises InvalidArgument."""
    for path, pid in (
        (request.pidfile, monitored.pid),
        (request.conmon_pidfile, monitored.monitor_pid),
    ):
        if not path:
            continue
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(str(pid))
        except OSError as error:
            raise InvalidArgument(f"pid file {path}: {error.strerror}") from None
