"""`rundlet network inspect`: networks as JSON (podman-network-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network inspect",
    summary="Inspect one or more networks",
    usage="[options] NETWORK [NETWORK...]",
    run="rundlet.cli.verbs.network_inspect:run",
    options=(
        Option(
            "format",
            "f",
            help="Pretty-print network to JSON or using a Go template",
            kind="template",
        ),
    ),
    arguments=Arguments(minimum=1, completes="networks"),
    examples=("rundlet network inspect podman",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print those that are there, then tell of the first that is not."""
    from rundlet.core.errors import NoSuchNetwork
    from rundlet.core.format.output import pretty, rows

    from ..listing.networks import view

    found, failure = [], None
    for name in arguments.arguments:
        try:
            found.append(view(context.engine, context.engine.networks.get(name)))
        except NoSuchNetwork as error:
            failure = failure or error
    form = arguments.text("format")
    if form and form != "json":
        context.print(rows(found, form), end="")
    else:
        context.print(pretty(found, 5))
    if failure is not None:
        raise failure
    return 0
