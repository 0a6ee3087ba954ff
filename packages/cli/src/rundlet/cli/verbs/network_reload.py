"""`rundlet network reload`: make rules and interfaces anew (podman-network-reload(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network reload",
    summary="Reload container networks",
    usage="[options] [CONTAINER...]",
    description="Makes the interfaces and rules of running containers anew, with the addresses"
    " that they have: for after a firewall was reloaded.",
    run="rundlet.cli.verbs.network_reload:run",
    options=(
        Flag("all", "a", help="Reload network configuration of all containers"),
        Flag("latest", "l", help="Act on the latest container"),
    ),
    arguments=Arguments(completes="running"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Reload each and print its id; an error does not keep the others."""
    from rundlet.core.errors import RundletError

    code = 0
    for name in _names(context, arguments):
        try:
            context.print(context.engine.containers.reload_network(name).id)
        except RundletError as error:
            context.stderr.write(f"Error: {error}\n")
            code = error.exit_code
    return code


def _names(context: Context, arguments: Parsed) -> Sequence[str]:
    from rundlet.core.errors import UsageError

    if arguments.flag("all"):
        return [row.id for row in context.engine.containers.list() if row.status == "running"]
    if arguments.flag("latest"):
        rows = context.engine.containers.list()
        return [row.id for row in rows[-1:]]
    if not arguments.arguments:
        raise UsageError("you must provide at least one name or id")
    return arguments.arguments
