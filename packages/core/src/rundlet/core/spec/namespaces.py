"""Namespaces of the container, and the id maps of a user namespace."""

from __future__ import annotations

from ..errors import InvalidArgument, NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..containers.request import ContainerRequest
    from ..contracts.storage import IdMap
    from .plan import SpecPlan

# Order of podman's config.json; the OCI names of the namespaces.
_KINDS = ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")


_FLAGS = {"cgroup": "cgroupns"}
_WORDS = ("", "default", "private", "host", "pod")
# Modes of --userns that are maps by now, and none with which maps are given.
_MAPPED = ("", "auto", "keep-id")


def mode(plan: SpecPlan, kind: str) -> str:
    """The mode of a namespace: "private", "host", or the path of one to join.

    Defaults are podman's: private, but users are the host's, and so is the cgroup namespace
    on v1. Systemd has one of its own there, too: it looks for its services below the cgroup
    that /proc/1/cgroup names, which is to be the root of what is mounted.
    """
    if kind == "mount":
        return "private"
    if kind == "network":
        if plan.network_namespace is None:
            return "host"
        return plan.network_namespace or "private"
    request = plan.request
    field = "userns" if kind == "user" else kind
    text: str = getattr(request, field)
    maps = request.uid_map or request.gid_map
    if kind == "user" and maps and text.partition(":")[0] in _MAPPED:
        return "private"
    if not text or text == "default":
        text = _default(plan, kind)
    if kind == "ipc" and text in ("shareable", "none"):
        return "private"
    if text in ("private", "host"):
        return text
    if text.startswith("ns:"):
        return text.removeprefix("ns:")
    if text == "pod" or text.startswith("container:"):
        if kind not in plan.namespaces:
            raise InvalidArgument(f"--{field} {text}: that {kind} namespace is not there to join")
        return plan.namespaces[kind]
    if kind == "user":
        raise NotSupported(
            f"--userns {text!r} is not supported",
            remedy="use auto, keep-id, host, container:NAME or ns:PATH",
        )
    raise _no_mode(kind, text)


def check(request: ContainerRequest) -> None:
    """Whether modes are some, of all but the users' namespace. Raises InvalidArgument."""
    for kind in ("pid", "ipc", "uts", "cgroup"):
        text: str = getattr(request, kind)
        known = (*_WORDS, "shareable", "none") if kind == "ipc" else _WORDS
        if text not in known and not text.startswith(("container:", "ns:")):
            raise _no_mode(kind, text)


def _no_mode(kind: str, text: str) -> InvalidArgument:
    """The error for a mode that is none."""
    return InvalidArgument(
        f"--{_FLAGS.get(kind, kind)} {text!r}: not a namespace mode",
        remedy="use private, host, container:NAME or ns:PATH",
    )


def _default(plan: SpecPlan, kind: str) -> str:
    if kind in plan.namespaces:
        return "pod"
    if kind == "user":
        return "host"
    if kind == "cgroup":
        own = plan.layout.version == "unified" or plan.systemd
        return "private" if own and plan.request.cgroups != "disabled" else "host"
    return "private"


def is_host(plan: SpecPlan, kind: str) -> bool:
    """Whether the container shares a namespace with the host."""
    return mode(plan, kind) == "host"


def namespaces(plan: SpecPlan) -> list[dict[str, str]]:
    """The `linux.namespaces` list."""
    result = []
    for kind in _KINDS:
        chosen = mode(plan, kind)
        if chosen == "private":
            result.append({"type": kind})
        elif chosen != "host":
            result.append({"type": kind, "path": chosen})
    return result


def id_maps(plan: SpecPlan) -> dict[str, Any]:
    """`linux.uidMappings` and `gidMappings`; where one is not given it is like the other.

    With a namespace to join they are what that one has: runc wants to know them.
    """
    chosen = mode(plan, "user")
    uids, gids = plan.request.uid_map, plan.request.gid_map
    uids, gids = uids or gids, gids or uids
    if chosen == "host" or (chosen != "private" and not uids):
        return {}
    if not uids:
        raise InvalidArgument(
            "--userns private needs id maps", remedy="give --uidmap and --gidmap, or --userns host"
        )
    return {"uidMappings": [_map(row) for row in uids], "gidMappings": [_map(row) for row in gids]}


def _map(row: IdMap) -> dict[str, int]:
    return {"containerID": row.container, "hostID": row.host, "size": row.size}


def mapped(plan: SpecPlan, gid: int) -> bool:
    """Whether a group id exists in the container's user namespace."""
    if is_host(plan, "user"):
        return True
    rows = plan.request.gid_map or plan.request.uid_map
    return any(row.container <= gid < row.container + row.size for row in rows)
