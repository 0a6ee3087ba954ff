"""Systemd mode: what a container gets whose command is systemd (podman-run(1) --systemd).

Tmpfs on /run, /run/lock, /tmp and /var/log/journal, its own cgroup writable, `container_uuid`,
no terminals of the host, and SIGRTMIN+3 as the signal that stops it.
"""

from __future__ import annotations

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

STOP_SIGNAL = "SIGRTMIN+3"  # systemd(1): halts the machine

_INITS = ("/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init")
_NO, _YES = ("false", "0", "f"), ("true", "1", "t", "")


def wanted(mode: str, command: Sequence[str]) -> bool:
    """Whether a container of this command is in systemd mode. Raises InvalidArgument.

    mode: "always", or a boolean; true means: when the command is an init of its kind.
    """
    word = mode.lower()
    if word == "always":
        return True
    if word in _NO:
        return False
    if word not in _YES:
        raise InvalidArgument(
            f"invalid --systemd {mode!r}: cannot parse bool", remedy="use true, false or always"
        )
    return command[0] in _INITS or command[0].rpartition("/")[2] == "systemd"
