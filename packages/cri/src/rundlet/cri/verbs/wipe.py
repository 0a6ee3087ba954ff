"""`rundlet-cri wipe`: remove pods after a reboot, images after an upgrade (crio(8))."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="wipe",
    summary="Remove the pods that a reboot has ended, and the images of another release",
    description="""
        Pods are removed when version_file is not there or of another release, images when
        version_file_persist is. Without either nothing is done. No server may run.
    """,
    options=(Flag("force", "f", "Remove all pods and images, whatever the files say"),),
    run="rundlet.cri.verbs.wipe:run",
)


def run(context: Context, arguments: Parsed) -> int:
    """Remove; exit code 1 when something could not be. Raises AlreadyExists while a server runs."""
    from ..config.setup import NodeEngine, read
    from ..marks import Marks
    from ..pods import wipe
    from ..server.socket import free

    setup = read(context.options)
    force = arguments.flag("force")
    free(setup.config.text("crio.api.listen").removeprefix("unix://"))
    marks = Marks(setup)
    problems = []
    with NodeEngine(setup) as engine:
        if force or marks.rebooted():
            context.print("wiping containers")
            problems += wipe.pods(engine)
        if force or marks.upgraded():
            context.print("wiping images")
            problems += wipe.images(engine)
    for text in problems:
        context.warn(text)
    return 1 if problems else 0
