"""`rundlet attach`: attach to a running container (podman-attach(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.monitor import Streams
    from rundlet.core.state.containers import Container

VERB = Verb(
    name="attach",
    summary="Attach to a running container",
    usage="[options] CONTAINER",
    run="rundlet.cli.verbs.attach:run",
    options=(
        Option("detach-keys", help="Key sequence for detaching a container"),
        LATEST,
        Flag("no-stdin", help="Do not attach STDIN"),
        Flag("sig-proxy", help="Proxy received signals to the process", default=True),
    ),
    arguments=Arguments(maximum=1, completes="running"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Stay until the container ends; the exit code is its own, 0 after the detach keys."""
    from rundlet.core.errors import UsageError

    from ..selecting import chosen

    if not arguments.arguments and not arguments.flag("latest"):
        raise UsageError("attach requires the name or id of one running container or the latest"
                         " flag")  # fmt: skip
    (name,) = chosen(context, arguments)
    return attach_to(context, arguments, name, stdin=not arguments.flag("no-stdin"))


def attach_to(context: Context, arguments: Parsed, name: str, *, stdin: bool) -> int:
    """Attach our own streams to a running container."""
    row = context.engine.containers.get(name)
    ends = streams(context, arguments, row, stdin=stdin)
    context.stdout.flush()
    sig_proxy = arguments.flag("sig-proxy") and not ends.terminal
    _, code = context.engine.containers.attach(name, ends, sig_proxy=sig_proxy)
    return code


def streams(context: Context, arguments: Parsed, row: Container, *, stdin: bool) -> Streams:
    """Our standard streams for a container as it was created (with a terminal or without)."""
    from rundlet.core.containers.stored import request_of
    from rundlet.core.contracts.monitor import Streams

    from .run import detach_keys

    request = request_of(row.request)
    keys = arguments.text("detach-keys")
    given = "detach-keys" in arguments.given
    return Streams(
        stdin=0 if stdin and request.stdin else -1,
        terminal=request.terminal,
        detach_keys=detach_keys(keys if given else context.engine.settings.detach_keys),
    )
