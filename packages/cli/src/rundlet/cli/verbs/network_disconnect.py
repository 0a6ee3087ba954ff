"""`rundlet network disconnect`: a container leaves a network (podman-network-disconnect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network disconnect",
    summary="Disconnect a container from a network",
    usage="[options] NETWORK CONTAINER",
    run="rundlet.cli.verbs.network_disconnect:run",
    options=(Flag("force", "f", help="Force removal of container from network"),),
    arguments=Arguments(minimum=2, maximum=2, completes="networks containers"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Disconnect; prints nothing."""
    network, container = arguments.arguments
    engine = context.engine
    name = engine.networks.get(network).name
    engine.containers.disconnect(container, name, force=arguments.flag("force"))
    return 0
