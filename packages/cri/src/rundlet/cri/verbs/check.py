"""`rundlet-cri check`: whether the store is whole, and repairs (crio(8))."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="check",
    summary="Check the store for errors, and repair it",
    options=(
        Option("age", "a", "Has no effect: what is in use is known", default="24h"),
        Flag("force", "f", "Remove damaged containers too"),
        Flag("quick", "q", "Do not read every blob"),
        Flag("repair", "r", "Remove damaged images and layers"),
        Flag("wipe", "w", "Wipe the store where a repair fails"),
    ),
    run="rundlet.cri.verbs.check:run",
)


def run(context: Context, arguments: Parsed) -> int:
    """Print what is wrong; exit code 1 when something is, and was not repaired.

    What an interrupted pull has left is not: the server goes on from it, or removes it.
    """
    from rundlet.core.errors import UsageError
    from rundlet.core.system.check import check, repair

    from ..config.setup import NodeEngine, read
    from ..pods import wipe
    from ..server.socket import free

    quick, force = arguments.flag("quick"), arguments.flag("force")
    if arguments.flag("wipe") and not arguments.flag("repair"):
        raise UsageError("--wipe needs --repair")
    setup = read(context.options)
    if arguments.flag("repair"):
        free(setup.config.text("crio.api.listen").removeprefix("unix://"))
    with NodeEngine(setup) as engine:
        if not arguments.flag("repair"):
            found = check(engine, quick=quick)
            left = [problem.message for problem in found if not problem.leftover]
        else:
            report = repair(engine, quick=quick, force=force)
            for text in report.repaired:
                context.print(f"repaired: {text}")
            left = list(report.left)
            if left and arguments.flag("wipe"):
                left = [*wipe.pods(engine), *wipe.images(engine)]
    for text in left:
        context.print(text)
    return 1 if left else 0
