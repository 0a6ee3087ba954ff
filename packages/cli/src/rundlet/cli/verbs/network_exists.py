"""`rundlet network exists`: exit code 0 if a network exists (podman-network-exists(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network exists",
    summary="Check if a network exists",
    usage="NETWORK",
    run="rundlet.cli.verbs.network_exists:run",
    arguments=Arguments(minimum=1, maximum=1, completes="networks"),
)


def run(context: Context, arguments: Parsed) -> int:
    """0 for yes, 1 for no."""
    from rundlet.core.errors import NoSuchNetwork

    try:
        context.engine.networks.get(arguments.arguments[0])
    except NoSuchNetwork:
        return 1
    return 0
