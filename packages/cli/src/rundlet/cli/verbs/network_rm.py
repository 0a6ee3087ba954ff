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
    from rundlet.core.errors import NoSuchNetwork, RundletError, UsageError

    networks = context.engine.networks
    code, force = 0, arguments.flag("force")
    if "time" in arguments.given and not force:
        raise UsageError("--force option must be specified to use the --time option")
    for name in arguments.arguments:
        try:
            removed = networks.remove(name, force=force, timeout=arguments.number("time"))
            context.print(removed.name)
        except NoSuchNetwork as error:
            if not (force or arguments.flag("ignore")):
                context.stderr.write(f"Error: {error}\n")
                code = code or 1
        except RundletError as error:
            context.stderr.write(f"Error: {error}\n")
            code = error.exit_code
    return code
