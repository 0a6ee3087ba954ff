"""Socket activation (sd_listen_fds(3)): sockets that systemd gave us are the container's.

As with podman, its first process gets the descriptors from 3 on, and the variables; LISTEN_PID is
1 whoever we are, for the process that was started may have started us.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .request import ContainerRequest

_COUNT = "LISTEN_FDS"


def with_sockets(request: ContainerRequest) -> tuple[ContainerRequest, tuple[str, ...]]:
    """The request with the sockets that are there, and warnings.

    Those of a server that makes pods are its own.
    """
    count = os.environ.get(_COUNT, "")
    if request.pod or not count.isdecimal() or not _there(int(count)):
        return request, ()
    if request.preserve_fds or request.preserve_fd:
        return request, (f"Ignoring {_COUNT} to preserve custom user-specified FDs",)
    variables = {_COUNT: count, "LISTEN_PID": "1"}
    if "LISTEN_FDNAMES" in os.environ:
        variables["LISTEN_FDNAMES"] = os.environ["LISTEN_FDNAMES"]
    return request.replace(env={**request.env, **variables}, preserve_fds=int(count)), ()


def _there(count: int) -> bool:
    """Whether we were given that many descriptors; the variables may be of another program."""
    try:
        return count > 0 and all(os.get_inheritable(number) for number in range(3, 3 + count))
    except OSError:
        return False
