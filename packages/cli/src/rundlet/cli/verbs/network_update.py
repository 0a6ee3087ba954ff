"""`rundlet network update`: change a network's nameservers (podman-network-update(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network update",
    summary="Update an existing network",
    usage="[options] NETWORK",
    description="Changes the nameservers that containers of a network ask from their next start.",
    run="rundlet.cli.verbs.network_update:run",
    options=(
        Option("dns-add", help="Add network level nameservers", many=True, split=True),
        Option("dns-drop", help="Remove network level nameservers", many=True, split=True),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="networks"),
    examples=("rundlet network update web --dns-add 9.9.9.9",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Change it and print its name."""
    network = context.engine.networks.update(
        arguments.arguments[0],
        dns_add=arguments.texts("dns-add"),
        dns_drop=arguments.texts("dns-drop"),
    )
    context.print(network.name)
    return 0
