"""`rundlet network connect`: a container joins a network (podman-network-connect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network connect",
    summary="Add container to a network",
    usage="[options] NETWORK CONTAINER",
    run="rundlet.cli.verbs.network_connect:run",
    options=(
        Option("alias", help="Network scoped alias for container", many=True, split=True),
        Option("ip", help="Set a static ipv4 address for this container network"),
        Option("ip6", help="Set a static ipv6 address for this container network"),
        Option("mac-address", help="Set a static mac address for this container network"),
    ),
    arguments=Arguments(minimum=2, maximum=2, completes="networks containers"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Connect; prints nothing."""
    from rundlet.core.contracts.network import NetworkRequest

    from ..request.hosts import checked

    network, container = arguments.arguments
    wish = NetworkRequest(
        network=network,
        ips=tuple(text for text in (arguments.text("ip"), arguments.text("ip6")) if text),
        mac=arguments.text("mac-address"),
        aliases=arguments.texts("alias"),
    )
    context.engine.containers.connect(container, checked(wish))
    return 0
