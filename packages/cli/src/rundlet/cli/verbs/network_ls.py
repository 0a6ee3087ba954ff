"""`rundlet network ls`: list networks (podman-network-ls(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network ls",
    summary="List networks",
    run="rundlet.cli.verbs.network_ls:run",
    options=(
        Option("filter", "f", help="Provide filter values (e.g. 'name=podman')", many=True),
        Option(
            "format", help="Pretty-print networks to JSON or using a Go template", kind="template"
        ),
        Flag("no-trunc", help="Do not truncate the network ID"),
        Flag("noheading", "n", help="Do not print headers"),
        Flag("quiet", "q", help="Display only names"),
    ),
    arguments=Arguments(maximum=0),
    examples=("rundlet network ls", "rundlet network ls --filter driver=bridge"),
)

_TABLE = "table {{.ID}}\t{{.Name}}\t{{.Driver}}"
_HEADINGS = {"ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER"}


def run(context: Context, arguments: Parsed) -> int:
    """Print them by name."""
    from rundlet.core.format.output import pretty, rows

    from ..listing.networks import chosen, document, listed

    networks = chosen(context.engine, arguments.texts("filter"))
    networks = sorted(networks, key=lambda network: network.name)
    form = arguments.text("format") or _TABLE
    if form == "json":
        context.print(pretty([document(context.engine, network) for network in networks], 2))
        return 0
    if arguments.flag("quiet"):
        form = "{{.Name}}"
    found = [listed(network, whole=arguments.flag("no-trunc")) for network in networks]
    heading = not arguments.flag("noheading")
    context.print(rows(found, form, headings=_HEADINGS, heading=heading), end="")
    return 0
