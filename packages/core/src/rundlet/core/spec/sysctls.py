"""Sysctls: only those that belong to a namespace of the container may be set."""

from __future__ import annotations

from ..errors import InvalidArgument
from .namespaces import is_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..contracts.storage import IdMap
    from .plan import SpecPlan

# namespaces(7), ipc_namespaces(7), uts_namespaces(7)
_SYSV = """
kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni
kernel.shm_rmid_forced kernel.msg_next_id kernel.sem_next_id kernel.shm_next_id
"""
_IPC = frozenset(_SYSV.split())
_PINGS = "net.ipv4.ping_group_range"
_UTS = frozenset(("kernel.domainname", "kernel.hostname"))


def kind_of(name: str) -> str:
    """The namespace of a sysctl: "ipc", "network", "uts", or "" for the whole kernel."""
    if name in _IPC or name.startswith("fs.mqueue."):
        return "ipc"
    if name.startswith("net."):
        return "network"
    return "uts" if name in _UTS else ""


def sysctls(plan: SpecPlan) -> dict[str, str]:
    """The `linux.sysctl` object: settings' defaults that fit, then the user's.

    Raises InvalidArgument for one that is not namespaced, or whose namespace is the host's.
    """
    wanted = _wanted(plan)
    if not _is_foreign(plan):
        return wanted
    return {name: value for name, value in wanted.items() if kind_of(name) != "network"}


def of_foreign_network(plan: SpecPlan) -> dict[str, str]:
    """Those of a network namespace that is not of the container's user namespace.

    The runtime may not set them from inside: whoever made the namespace does, groups as the
    host sees them.
    """
    if not _is_foreign(plan):
        return {}
    found = {name: value for name, value in _wanted(plan).items() if kind_of(name) == "network"}
    rows = plan.request.gid_map or plan.request.uid_map
    if _PINGS in found:
        numbers = [int(word) for word in found[_PINGS].split()]
        found[_PINGS] = " ".join(str(_outside(number, rows)) for number in numbers)
    return found


def _is_foreign(plan: SpecPlan) -> bool:
    request = plan.request
    return bool(plan.network_namespace and (request.uid_map or request.gid_map))


def _outside(number: int, rows: Iterable[IdMap]) -> int:
    for row in rows:
        if row.container <= number < row.container + row.size:
            return row.host + number - row.container
    return number


def _wanted(plan: SpecPlan) -> dict[str, str]:
    result: dict[str, str] = {}
    for text in plan.settings.default_sysctls:
        name, _, value = text.partition("=")
        kind = kind_of(name)
        if kind and not is_host(plan, kind) and not _unsuitable(plan, name, kind):
            result[name] = value
    for name, value in plan.request.sysctls.items():
        name = name.replace("/", ".") if "." not in name else name
        kind = kind_of(name)
        if not kind:
            raise InvalidArgument(
                f"sysctl {name!r} is not allowed", remedy="only sysctls of a namespace can be set"
            )
        if is_host(plan, kind):
            raise InvalidArgument(
                f"sysctl {name}={value} can't be set since {kind} namespace set to host"
            )
        result[name] = value
    return result


def _unsuitable(plan: SpecPlan, name: str, kind: str) -> bool:
    """A default is not for another container's network, nor for groups that are not mapped."""
    if kind == "network" and plan.request.network.startswith(("container:", "ns:")):
        return True
    rows = plan.request.gid_map or plan.request.uid_map
    return name == _PINGS and bool(rows) and not any(row.container == 0 for row in rows)
