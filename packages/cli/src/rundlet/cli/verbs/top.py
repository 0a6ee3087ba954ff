"""`rundlet top`: the processes of a container (podman-top(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="top",
    summary="Display the running processes of a container",
    usage="[options] CONTAINER [FORMAT-DESCRIPTORS|ARGS...]",
    description=(
        "Shows columns by ps(1)'s AIX descriptors and args, capamb, capbnd, capeff, capinh,"
        " capprm, comm, etime, group, groups, hgroup, hgroups, hpid, huser, label, nice, pcpu,"
        " pgid, pid, ppid, rgroup, rss, ruser, seccomp, state, stime, time, tty, user, vsz;"
        " flags of ps(1) run the ps in the container."
    ),
    run="rundlet.cli.verbs.top:run",
    options=(LATEST,),
    arguments=Arguments(interspersed=False, completes="running"),
    examples=("rundlet top web", "rundlet top web pid seccomp args %C", "rundlet top web -ef"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the table."""
    from rundlet.core.errors import NoSuchContainer, UsageError
    from rundlet.core.format.table import table

    containers, words = context.engine.containers, list(arguments.arguments)
    if arguments.flag("latest"):
        rows = containers.list()
        if not rows:
            raise NoSuchContainer("latest")
        words.insert(0, rows[-1].id)
    if not words:
        raise UsageError("you must provide the name or id of a running container")
    context.print(table(containers.top(words[0], words[1:])), end="")
    return 0
