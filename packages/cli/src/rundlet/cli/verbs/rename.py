"""`rundlet rename`: give a container another name (podman-rename(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="rename",
    summary="Rename an existing container",
    usage="CONTAINER NAME",
    run="rundlet.cli.verbs.rename:run",
    arguments=Arguments(minimum=2, maximum=2, completes="containers none"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Rename; prints nothing."""
    name, new = arguments.arguments
    context.engine.containers.rename(name, new)
    return 0
