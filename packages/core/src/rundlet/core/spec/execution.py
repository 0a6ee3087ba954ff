"""The OCI process of an exec session: the container's own, changed as asked (podman-exec(1))."""

from __future__ import annotations

from ..errors import InvalidArgument
from ..value import EMPTY, Value
from .capabilities import process_sets
from .text import document
from .user import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..contracts.runtime import OCISpec
    from .host import Host


class ExecPlan(Value):
    """One more command in a container.

    spec: the container's config.json as it was created. rootfs: where it is mounted.
    user: "" is the container's own. env: added to the container's. workdir: "" its own.
    group_add: the container's. host: needed with `privileged` only.
    """

    spec: OCISpec
    rootfs: str
    command: tuple[str, ...]
    user: str = ""
    env: Mapping[str, str] = EMPTY
    workdir: str = ""
    terminal: bool = False
    privileged: bool = False
    group_add: tuple[str, ...] = ()
    console: tuple[int, int] = (0, 0)
    host: Host | None = None


def exec_process(plan: ExecPlan) -> dict[str, Any]:
    """The `process` for the runtime's `exec --process`. Raises InvalidArgument.

    Limits, umask, seccomp and no-new-privileges are the container's. Root has the
    container's bounding capabilities (all, when privileged); the container's own user has
    what the container has; any other user has none.
    """
    if not plan.command:
        raise InvalidArgument("you must provide a command to exec")
    document([*plan.command, *plan.env.values(), plan.workdir])  # refuses what is not UTF-8
    if plan.workdir and not plan.workdir.startswith("/"):
        raise InvalidArgument(f"the working directory {plan.workdir!r} is not an absolute path")
    base: dict[str, Any] = {**plan.spec["process"], "args": list(plan.command)}
    base.pop("terminal", None)
    base.pop("consoleSize", None)
    if plan.terminal:
        base["terminal"] = True
        rows, columns = plan.console
        if rows and columns:
            base["consoleSize"] = {"height": rows, "width": columns}
    if plan.workdir:
        base["cwd"] = plan.workdir
    home = ""
    own = True
    if plan.user:
        binds = {
            mount["destination"]: mount["source"]
            for mount in plan.spec["mounts"]
            if mount["type"] == "bind"
        }
        user = lookup(plan.rootfs, plan.user, plan.group_add, files=binds)
        own = user.uid == base["user"]["uid"]
        base["user"] = {
            **base["user"],
            "uid": user.uid,
            "gid": user.gid,
            "additionalGids": list(user.groups),
        }
        home = user.home
    base["env"] = _environment(plan, base["env"], home)
    base["capabilities"] = _capabilities(plan, base, own)
    return base


def _environment(plan: ExecPlan, container: list[str], home: str) -> list[str]:
    found: dict[str, str] = {}
    for text in container:
        name, _, value = text.partition("=")
        found[name] = value
    if home:
        found["HOME"] = home
    if plan.terminal:
        found.setdefault("TERM", "xterm")
    found.update(plan.env)
    return [f"{name}={value}" for name, value in found.items()]


def _capabilities(plan: ExecPlan, base: dict[str, Any], own: bool) -> dict[str, list[str]]:
    sets: dict[str, list[str]] = base.get("capabilities", {})
    bounding = sets.get("bounding", [])
    root = base["user"]["uid"] == 0
    if plan.privileged:
        if plan.host is None:
            raise InvalidArgument("a privileged exec needs to know this machine's capabilities")
        bounding = sorted(plan.host.capabilities)
    elif own and not root:
        return sets
    return process_sets(bounding, (), root=root, privileged=plan.privileged)
