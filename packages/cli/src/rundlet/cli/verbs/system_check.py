"""`rundlet system check`: is the store whole, and repairs (podman-system-check(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="system check",
    summary="Check storage consistency",
    description="Looks for damage in the store, and for what a killed command left. With --repair"
    " it is done away with: damaged images are removed, damaged containers, and artifacts whose"
    " names are lost, only with --force. What an interrupted pull has left is told, but is no"
    " problem: the next one goes on from it, or system prune removes it.",
    run="rundlet.cli.verbs.system_check:run",
    options=(
        Flag("force", "f", help="Remove damaged containers too, and nameless artifacts"),
        Option("max", "m", help="Accepted for podman's sake: layers that nothing refers to are"
               " known here whatever their age", default="24h0m0s"),
        Flag("quick", "q", help="Skip time-consuming checks: do not read every blob"),
        Flag("repair", "r", help="Remove what is inconsistent"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet system check", "rundlet system check --repair"),
)  # fmt: skip

_DAMAGED = 125


def run(context: Context, arguments: Parsed) -> int:
    """Print what is wrong or left over; the exit code tells whether something is wrong."""
    from rundlet.core.system import check

    engine, quick = context.engine, arguments.flag("quick")
    if not arguments.flag("repair") and not arguments.flag("force"):
        found = list(check.check(engine, quick=quick))
        for problem in found:
            context.print(problem.message)
        wrong = sum(not problem.leftover for problem in found)
        _tell_leftovers(context, len(found) - wrong)
        return _told(context, wrong, "rundlet system check --repair")
    report = check.repair(engine, quick=quick, force=arguments.flag("force"))
    for message in report.repaired:
        context.print(f"repaired: {message}")
    for message in report.left:
        context.print(f"left: {message}")
    return _told(context, len(report.left), "" if arguments.flag("force") else "--force")


def _tell_leftovers(context: Context, count: int) -> None:
    if count:
        context.stderr.write(
            f"{count} leftover(s) of interrupted work, which are in nobody's way; their space is"
            " given back by rundlet system prune\n"
        )


def _told(context: Context, count: int, remedy: str) -> int:
    if not count:
        return 0
    advice = f"; see {remedy}" if remedy else ""
    context.stderr.write(f"Error: {count} problem(s) in local storage{advice}\n")
    return _DAMAGED
