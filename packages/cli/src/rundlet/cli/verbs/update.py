"""`rundlet update`: change the limits of a container (podman-update(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

from ..request.options import CREATE_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

_LIMITS = frozenset((
    "blkio-weight", "blkio-weight-device", "cpu-period", "cpu-quota", "cpu-rt-period",
    "cpu-rt-runtime", "cpu-shares", "cpus", "cpuset-cpus", "cpuset-mems", "device-read-bps",
    "device-read-iops", "device-write-bps", "device-write-iops", "memory", "memory-reservation",
    "memory-swap", "memory-swappiness", "pids-limit",
))  # fmt: skip

VERB = Verb(
    name="update",
    summary="Update an existing container",
    usage="[options] CONTAINER",
    description="Changes the limits of a container, running or not, and its restart policy.",
    run="rundlet.cli.verbs.update:run",
    options=(
        *(option for option in CREATE_OPTIONS if option.name in _LIMITS),
        Option("restart", help="Restart policy to apply when a container exits"),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="containers"),
    examples=("rundlet update --cpus 2 --memory 1g web",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Change what was given, and print the id."""
    from ..request.resources import changes

    container = context.engine.containers.update(
        arguments.arguments[0], restart=arguments.text("restart"), **changes(arguments)
    )
    context.print(container.id)
    return 0
