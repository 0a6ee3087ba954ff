"""`rundlet container inspect`: containers as JSON (podman-container-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="container inspect",
    summary="Display the configuration of a container",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.cli.verbs.container_inspect:run",
    options=(
        Option(
            "format",
            "f",
            help="Format the output to a Go template or json",
            default="json",
            kind="template",
        ),
        LATEST,
        Flag("size", "s", help="Display total file size"),
    ),
    arguments=Arguments(completes="containers"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the documents."""
    from ..selecting import chosen
    from .inspect import FINDERS, inspect

    names = chosen(context, arguments)
    return inspect(context, arguments, names, [FINDERS["container"]], what="container")
