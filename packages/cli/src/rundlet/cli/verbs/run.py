"""`rundlet run`: create and start a container (podman-run(1))."""

from __future__ import annotations

import sys

from rundlet.core.commands.declare import Arguments, Verb

from ..request.options import RUN_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.containers.request import ContainerRequest
    from rundlet.core.contracts.monitor import Streams

VERB = Verb(
    name="run",
    summary="Run a command in a new container",
    usage="[options] IMAGE [COMMAND [ARG...]]",
    description="Runs a command in a new container from the given image.",
    run="rundlet.cli.verbs.run:run",
    options=RUN_OPTIONS,
    arguments=Arguments(minimum=1, interspersed=False, completes="images"),
    examples=(
        "rundlet run imageID ls -alF /etc",
        "rundlet run --rm -it alpine sh",
        "rundlet run -d --name web -p 8080:80 nginx",
    ),
)


def run(context: Context, arguments: Parsed) -> int:
    """Run; the exit code is the container's, or podman's 125, 126, 127."""
    from ..request.build import build
    from ..request.configured import configured

    arguments = configured(arguments, context.engine.settings)
    request = build(arguments)
    _check(context, arguments, request)
    ensure_image(context, arguments, request)
    replace(context, arguments)
    if arguments.flag("detach"):
        result = context.engine.containers.run(request, detach=True)
        context.print(result.container)
        return 0
    context.stdout.flush()
    result = context.engine.containers.run(
        request,
        streams(context, arguments, request),
        sig_proxy=arguments.flag("sig-proxy") and not request.terminal,
    )
    if set(arguments.texts("attach")) == {"stdin"}:
        context.print(result.container)
    return result.exit_code


def _check(context: Context, arguments: Parsed, request: ContainerRequest) -> None:
    from rundlet.core.errors import UsageError

    if arguments.flag("detach") and arguments.texts("attach"):
        raise UsageError("conflicting options: -a and -d")
    if arguments.flag("rmi") and "rm" in arguments.given and not arguments.flag("rm"):
        raise UsageError("the --rmi option does not work without --rm")
    shown = request.terminal and request.stdin and not arguments.flag("detach")
    if shown and not sys.stdin.isatty():
        context.warn(
            "The input device is not a TTY. The --tty and --interactive flags might not work"
            " properly"
        )


def ensure_image(context: Context, arguments: Parsed, request: ContainerRequest) -> None:
    """Pull by the policy, with progress on standard error, before anything is made."""
    if request.rootfs:
        return
    policy = request.pull or context.engine.settings.pull_policy
    known = policy == "missing" and not request.platform
    if policy == "never" or (known and context.engine.images.find(request.image) is not None):
        return
    from .pull import pull_one

    pull_one(
        context,
        arguments,
        request.image,
        policy=policy,
        platform=request.platform,
        quiet=arguments.flag("quiet"),
    )


def replace(context: Context, arguments: Parsed) -> None:
    """`--replace`: remove the container that has the name."""
    if not arguments.flag("replace"):
        return
    from rundlet.core.errors import NoSuchContainer, UsageError

    name = arguments.text("name")
    if not name:
        raise UsageError("cannot replace container without --name being set")
    try:
        context.engine.containers.remove(name, force=True)
    except NoSuchContainer:
        return


def streams(context: Context, arguments: Parsed, request: ContainerRequest) -> Streams:
    """Our own standard streams, as far as --attach and --interactive want them."""
    from rundlet.core.contracts.monitor import Streams

    wanted = {word.lower() for word in arguments.texts("attach")}
    unknown = wanted - {"stdin", "stdout", "stderr"}
    if unknown:
        from rundlet.core.errors import InvalidArgument

        raise InvalidArgument(f"invalid stream {unknown.pop()!r} for --attach")
    keys = arguments.text("detach-keys")
    given = "detach-keys" in arguments.given
    return Streams(
        stdin=0 if request.stdin and (not wanted or "stdin" in wanted) else -1,
        stdout=1 if not wanted or "stdout" in wanted else -1,
        stderr=2 if not wanted or "stderr" in wanted else -1,
        terminal=request.terminal,
        detach_keys=detach_keys(keys if given else context.engine.settings.detach_keys),
    )


def detach_keys(text: str) -> bytes:
    """The bytes of "ctrl-p,ctrl-q". Raises InvalidArgument."""
    from rundlet.core.monitor.detach import keys

    return keys(text)
