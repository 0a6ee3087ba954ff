"""`rundlet rm`: remove containers (podman-rm(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import CIDFILE, LATEST, TIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="rm",
    summary="Remove one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    description="Removes containers from the host. Running or unusable ones need --force.",
    run="rundlet.cli.verbs.rm:run",
    options=(
        Flag("all", "a", help="Remove all containers"),
        CIDFILE,
        Flag("depend", help="Remove also all containers that depend on the container"),
        Option("filter", help="Filter output based on conditions given", many=True),
        Flag("force", "f", help="Force removal of a running or unusable container"),
        Flag("ignore", "i", help="Ignore errors when a specified container is missing"),
        LATEST,
        TIME,
        Flag("volumes", "v", help="Remove anonymous volumes associated with the container"),
    ),
    arguments=Arguments(completes="containers"),
    examples=("rundlet rm web", "rundlet rm -f -t 0 -a"),
)

_MISSING = 1
"""The exit code when all that went wrong is that a container is not there."""


def run(context: Context, arguments: Parsed) -> int:
    """Remove each and print its name."""
    from rundlet.core.errors import UsageError

    from ..selecting import chosen, each
    from .stop import seconds

    force = arguments.flag("force")
    ignore = arguments.flag("ignore") or force
    if "time" in arguments.given and not force:
        raise UsageError("--force option must be specified to use the --time option")
    names = chosen(context, arguments, whole=not ignore)
    containers = context.engine.containers
    if arguments.flag("depend"):
        names = list(containers.with_dependents(names))
    elif len(names) > 1:
        names = list(containers.dependents_first(names))
    timeout = seconds(arguments)

    def remove(name: str) -> None:
        containers.remove(name, force=force, volumes=arguments.flag("volumes"), timeout=timeout)

    return each(context, names, remove, ignore=ignore, missing=_MISSING)
