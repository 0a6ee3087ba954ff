"""`rundlet start`: start containers (podman-start(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import FILTER, LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="start",
    summary="Start one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    description="Starts one or more containers. The container name or ID can be used.",
    run="rundlet.cli.verbs.start:run",
    options=(
        Flag("all", help="Start all containers regardless of their state or configuration"),
        Flag("attach", "a", help="Attach container's STDOUT and STDERR"),
        Option("detach-keys", help="Key sequence for detaching a container"),
        FILTER,
        Flag("interactive", "i", help="Keep STDIN open even if not attached"),
        LATEST,
        Flag("sig-proxy", help="Proxy received signals to the process (default true if attaching)"),
    ),
    arguments=Arguments(completes="startable"),
    examples=("rundlet start web", "rundlet start --interactive --attach shell"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Start each and print its name; with --attach, one and stay."""
    from rundlet.core.errors import UsageError

    from ..selecting import chosen, each

    attach = arguments.flag("attach") or arguments.flag("interactive")
    if "sig-proxy" in arguments.given and arguments.flag("sig-proxy") and not attach:
        raise UsageError("you cannot use sig-proxy without --attach: invalid argument")
    if attach and (arguments.flag("all") or len(arguments.arguments) > 1):
        raise UsageError("you cannot start and attach multiple containers at once")
    names = chosen(context, arguments, statuses=("created", "initialized", "exited"))
    if not attach:
        # podman: what a command could not be started for counts only where it is waited for
        return 125 if each(context, names, context.engine.containers.start) else 0
    return _attached(context, arguments, names[0])


def _attached(context: Context, arguments: Parsed, name: str) -> int:
    from .attach import streams

    row = context.engine.containers.get(name)
    if row.status == "running":
        from .attach import attach_to

        return attach_to(context, arguments, name, stdin=arguments.flag("interactive"))
    sig_proxy = arguments.flag("sig-proxy") or "sig-proxy" not in arguments.given
    ends = streams(context, arguments, row, stdin=arguments.flag("interactive"))
    context.stdout.flush()
    result = context.engine.containers.start_attached(
        name, ends, sig_proxy=sig_proxy and not ends.terminal
    )
    return result.exit_code
