"""`rundlet container cleanup`: release what ended containers held.

The monitor's own exit command does not come this way (core/containers/exit_command.py):
this is for people, and for containers whose exit command was killed.
"""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.errors import RundletError, UsageError, WrongState

from ..selecting import RUNNING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="container cleanup",
    summary="Clean up network and mountpoints of one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    description="Releases the mounts, the network and the runtime's state of containers that"
    " have ended, where their exit command could not.",
    options=(
        Flag("all", "a", help="Cleans up all containers"),
        Option("exec", metavar="string", help="Clean up the given exec session", hidden=True),
        Flag("latest", "l", help="Act on the latest container"),
        Flag("rm", help="After cleanup, remove the container entirely"),
        Flag("rmi", help="After cleanup, remove the image entirely"),
    ),
    arguments=Arguments(completes="ended"),
    run="rundlet.cli.verbs.container_cleanup:run",
)


def run(context: Context, words: Parsed) -> int:
    """Clean up each one; errors are told at the end, all others are done."""
    if words.text("exec"):
        return _session(context, words)
    code = 0
    for name in _names(context, words):
        try:
            _cleanup(context, words, name)
        except RundletError as error:
            context.stderr.write(f"Error: {error}\n")
            code = error.exit_code
    return code


def _session(context: Context, words: Parsed) -> int:
    """`--exec`: its session cleans up after itself; what podman refuses is refused."""
    if words.flag("all"):
        raise UsageError("--all and --exec cannot be set together")
    if len(words.arguments) > 1:
        raise UsageError("cannot use exec option when more than one container is given")
    if words.flag("rmi"):
        raise UsageError("--exec and --rmi cannot be set together")
    for name in _names(context, words):
        context.engine.containers.get(name)
    return 0


def _names(context: Context, words: Parsed) -> Sequence[str]:
    everything, latest = words.flag("all"), words.flag("latest")
    if words.arguments and (everything or latest):
        raise UsageError("--all and --latest take no arguments")
    if everything or latest:
        every = list(context.engine.containers.list())
        chosen = every[-1:] if latest else [row for row in every if row.status not in RUNNING]
        return [row.id for row in chosen]
    if not words.arguments:
        raise UsageError("you must provide at least one name or id")
    return words.arguments


def _cleanup(context: Context, words: Parsed, name: str) -> None:
    containers = context.engine.containers
    row = containers.get(name)
    if row.status in RUNNING:
        raise WrongState(
            f"container {row.id} is running or paused, refusing to clean up: container state"
            " improper"
        )
    containers.cleanup(row.id, remove=words.flag("rm"))
    context.print(row.id)
    if words.flag("rmi") and row.image:
        context.engine.images.remove(row.image)
