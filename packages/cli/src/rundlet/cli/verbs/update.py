"""`rundlet update`: change a container (podman-update(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

from ..request.options import CREATE_OPTIONS
from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed

_SHARED = frozenset((
    "blkio-weight", "blkio-weight-device", "cpu-period", "cpu-quota", "cpu-rt-period",
    "cpu-rt-runtime", "cpu-shares", "cpus", "cpuset-cpus", "cpuset-mems", "device-read-bps",
    "device-read-iops", "device-write-bps", "device-write-iops", "env", "memory",
    "memory-reservation", "memory-swap", "memory-swappiness", "no-healthcheck", "pids-limit",
    "restart", "ulimit", "unsetenv",
))  # fmt: skip
_HEALTH = "health-"

VERB = Verb(
    name="update",
    summary="Update an existing container",
    usage="[options] CONTAINER",
    description="Changes limits and healthchecks of a container, running or not; variables,"
    " ulimits and the restart policy hold from its next start on.",
    run="rundlet.cli.verbs.update:run",
    options=(
        *(
            option
            for option in CREATE_OPTIONS
            if option.name in _SHARED or option.name.startswith(_HEALTH)
        ),
        LATEST,
    ),
    arguments=Arguments(maximum=1, completes="containers"),
    examples=("rundlet update --cpus 2 --memory 1g web",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Change what was given, and print the id."""
    from ..request.resources import changes
    from ..selecting import chosen

    (name,) = chosen(context, arguments)
    container = context.engine.containers.update(
        name, restart=arguments.text("restart"), **_others(arguments), **changes(arguments)
    )
    context.print(container.id)
    return 0


def _others(arguments: Parsed) -> dict[str, Any]:
    """What is no limit, as far as it was given."""
    found: dict[str, Any] = {}
    if arguments.texts("env"):
        from ..request.environment import given

        found["env"] = given(arguments.texts("env"), ())
    if arguments.texts("ulimit"):
        found["ulimits"] = arguments.texts("ulimit")
    if arguments.texts("unsetenv"):
        found["unset_env"] = arguments.texts("unsetenv")
    if any(name.startswith(_HEALTH) or name == "no-healthcheck" for name in arguments.given):
        from ..request.health import changes

        found["health"] = changes(arguments)
    return found
