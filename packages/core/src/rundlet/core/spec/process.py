"""The `process` object: what runs in the container, as whom."""

from __future__ import annotations

from ..errors import InvalidArgument
from . import capabilities, rlimits
from .environment import environment
from .mounts import INIT_PATH
from .user import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .plan import SpecPlan
    from .security import Confinement


def command(plan: SpecPlan) -> list[str]:
    """Entrypoint and command. An entrypoint of the user's own drops the image's CMD (podman).

    Raises InvalidArgument when there is nothing to run.
    """
    request, image = plan.request, plan.image
    if request.entrypoint is None:
        entrypoint = list(image.get("Entrypoint") or ())
    else:
        entrypoint = [word for word in request.entrypoint if word or len(request.entrypoint) > 1]
    words = list(request.command or ())
    if not words and not (request.entrypoint and entrypoint):
        words = list(image.get("Cmd") or ())
    if not entrypoint and not words:
        raise InvalidArgument(
            "no command or entrypoint provided, and no CMD or ENTRYPOINT from image",
            remedy="give a command after the image's name",
        )
    return [INIT_PATH, "--", *entrypoint, *words] if request.init else [*entrypoint, *words]


def process(
    plan: SpecPlan, confined: Confinement, granted: tuple[str, ...], warnings: list[str]
) -> dict[str, Any]:
    """The whole object. `granted`: the bounding set of capabilities."""
    request = plan.request
    user = lookup(
        plan.rootfs,
        request.user or plan.image.get("User") or "",
        request.group_add,
        request.groups,
        {**{m.destination: m.source for m in plan.mounts if m.kind == "bind"}, **plan.files},
    )
    found: dict[str, Any] = {
        "user": {
            "uid": user.uid,
            "gid": user.gid,
            "umask": _umask(request.umask or plan.settings.umask),
            "additionalGids": list(user.groups),
        },
        "args": command(plan),
        "env": environment(plan, user.home),
        "cwd": _directory(request.workdir or plan.image.get("WorkingDir") or "/"),
        "capabilities": capabilities.process_sets(
            granted,
            request.cap_add,
            root=user.uid == 0,
            privileged=request.privileged,
            ambient=request.cap_ambient,
        ),
        "rlimits": rlimits.rlimits(plan, warnings),
    }
    if request.terminal:
        found["terminal"] = True
        rows, columns = plan.console
        if rows and columns:
            found["consoleSize"] = {"height": rows, "width": columns}
    if confined.no_new_privileges:
        found["noNewPrivileges"] = True
    if confined.apparmor:
        found["apparmorProfile"] = confined.apparmor
    adjusted = rlimits.oom_score_adj(plan, warnings)
    if adjusted is not None:
        found["oomScoreAdj"] = adjusted
    return found


def _umask(text: str) -> int:
    if not text or len(text) > 4 or not set(text) <= set("01234567"):
        raise InvalidArgument(f"invalid umask {text!r}", remedy="give up to four octal digits")
    return int(text, 8)


def _directory(path: str) -> str:
    if not path.startswith("/"):
        raise InvalidArgument(f"the working directory {path!r} is not an absolute path")
    return path
