"""`rundlet system df`: space that images, containers, volumes, artifacts and build caches take
(podman-system-df(1)).
"""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="system df",
    summary="Show rundlet disk usage",
    description="Artifacts and caches of builds have a row where there are any.",
    run="rundlet.cli.verbs.system_df:run",
    options=(
        Option("format", help="Change the output format to JSON or a Go template", kind="template"),
        Flag("verbose", "v", help="Show detailed information on disk usage"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet system df", "rundlet system df -v"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the table."""
    from rundlet.core.errors import UsageError

    from ..listing.usage import summary, verbose

    form = arguments.text("format")
    if arguments.flag("verbose"):
        if form:
            raise UsageError("cannot combine --format and --verbose flags")
        context.print(verbose(context.engine), end="")
    else:
        context.print(summary(context.engine, form), end="")
    return 0
