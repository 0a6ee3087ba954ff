"""`rundlet network rm`: remove networks (podman-network-rm(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="network rm",
    summary="Remove networks",
    usage="[options] NETWORK [NETWORK...]",
    run="rundlet.cli.verbs.network_rm:run",
    options=(
        Flag("force", "f", help="Remove any containers using the network"),
        Flag("ignore", help="Ignore networks that are not there"),
        Option("time", "t", help="Seconds to wait for running containers to stop", kind="int"),
    ),
    arguments=Arguments(minimum=1, completes="networks"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Remove each and print its name; an error does not keep the others."""
    from rundlet.core.errors import NoSuchNetwork, RundletError

    networks = context.engine.networks
    code = 0
    for name in arguments.arguments:
        try:
            if arguments.flag("force"):
                _remove_users(context, networks.get(name).name, arguments.number("time"))
            context.print(networks.remove(name).name)
        except NoSuchNetwork as error:
            if not (arguments.flag("force") or arguments.flag("ignore")):
                context.stderr.write(f"Error: {error}\n")
                code = code or 1
        except RundletError as error:
            context.stderr.write(f"Error: {error}\n")
            code = error.exit_code
    return code


def _remove_users(context: Context, network: str, timeout: int | None) -> None:
    containers = context.engine.containers
    for container in containers.dependents_first(context.engine.networks.users(network)):
        containers.remove(container, force=True, timeout=timeout)
