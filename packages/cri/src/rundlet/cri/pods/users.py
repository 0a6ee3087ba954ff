"""Pods with a user namespace: it owns the other namespaces that the pod has for itself.

So root in there may do with them what root may: mount its own proc and sysfs, set the sysctls.
"""

from __future__ import annotations

from rundlet.core.contracts.storage import IdMap
from rundlet.core.errors import InvalidArgument
from rundlet.core.linux.processes import start_time
from rundlet.core.linux.userns import UserNamespace, start_init
from rundlet.core.networks.namespace import create_namespace
from rundlet.core.storage.idmap import text

from ..proto import api_pb2 as cri
from . import namespaces, options
from .paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def check(config: cri.PodSandboxConfig) -> None:
    """Raises InvalidArgument for what kubelet never sends, and no other server takes either."""
    if not options.namespaces(config).HasField("userns_options"):
        return
    wanted = options.namespaces(config).userns_options
    if wanted.mode == cri.NODE:
        if wanted.uids or wanted.gids:
            raise InvalidArgument("userns_options: mode NODE takes no id mappings")
        return
    if wanted.mode != cri.POD:
        name = cri.NamespaceMode.Name(wanted.mode)
        raise InvalidArgument(f"userns_options: mode {name} is none for users: POD or NODE is")
    for kind, rows in (("uids", wanted.uids), ("gids", wanted.gids)):
        if len(rows) != 1 or rows[0].container_id != 0 or rows[0].length == 0:
            raise InvalidArgument(
                f"userns_options: {kind} must be one mapping that begins with container_id 0"
            )


def maps(config: cri.PodSandboxConfig) -> tuple[tuple[IdMap, ...], tuple[IdMap, ...]]:
    """Its user and group ids; () twice for a pod with the node's."""
    wanted = options.namespaces(config).userns_options
    if not options.own_users(config):
        return (), ()
    return rows(wanted.uids), rows(wanted.gids)


def rows(mappings: Iterable[cri.IDMapping]) -> tuple[IdMap, ...]:
    """IDMapping messages in the engine's words."""
    return tuple(IdMap(one.container_id, one.host_id, one.length) for one in mappings)


def owner(config: cri.PodSandboxConfig) -> str:
    """Mount options of a tmpfs that belongs to the pod's root; "" where that is the node's."""
    uids, gids = maps(config)
    return f",uid={uids[0].host},gid={gids[0].host}" if uids else ""


def make(config: cri.PodSandboxConfig, paths: Paths) -> int:
    """Make and pin the user namespace with those that it owns.

    Returns the process of a shared pid namespace, 0 for none. Raises InvalidArgument for ids
    that the kernel refuses, StoreError, RuntimeFailed, DriverUnavailable, NetworkError.
    """
    uids, gids = maps(config)
    kinds = [kind for kind in options.pins(config, paths) if kind != "pid"]
    net = [] if options.host_network(config) else ["net"]
    with UserNamespace(text(uids), text(gids), (*kinds, *net)) as held:
        namespaces.pin(held.file("user"), paths.user)
        for kind in kinds:
            namespaces.pin(held.file(kind), options.pins(config, paths)[kind])
        if net:
            create_namespace(paths.netns, held.file("net"))
    return _init(paths) if options.shared_pid(config) else 0


def _init(paths: Paths) -> int:
    command, mark = namespaces.init_command(), namespaces.mark(paths.pid)
    pid = start_init(paths.user, command, mark)
    try:
        namespaces.pin(f"/proc/{pid}/ns/pid", paths.pid)
    except OSError:
        namespaces.end(pid, start_time(pid))
        raise
    return pid
