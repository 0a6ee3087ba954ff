"""`rundlet exec`: run a process in a running container (podman-exec(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import CIDFILE, LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="exec",
    summary="Run a process in a running container",
    usage="[options] CONTAINER COMMAND [ARG...]",
    run="rundlet.cli.verbs.exec:run",
    options=(
        CIDFILE,
        Flag("detach", "d", help="Run the exec session in detached mode (backgrounded)"),
        Option("detach-keys", help="Key sequence for detaching a container"),
        Option("env", "e", help="Set environment variables", many=True),
        Option("env-file", help="Read in a file of environment variables", many=True,
               completes="files"),
        Flag("interactive", "i", help="Keep STDIN open even if not attached"),
        LATEST,
        Option("preserve-fd", help="File descriptors to pass into the container", metavar="strings",
               many=True, split=True),
        Flag("no-session", help="Do not keep track of the session, which is quicker"),
        Option("preserve-fds", help="Pass N additional file descriptors", kind="uint"),
        Flag("privileged", help="Give the process extended Linux capabilities"),
        Flag("tty", "t", help="Allocate a pseudo-TTY"),
        Option("user", "u", help="Username or UID, and optionally group or GID"),
        Option("workdir", "w", help="Working directory inside the container"),
    ),
    arguments=Arguments(interspersed=False, completes="running"),
    examples=("rundlet exec -it web sh", "rundlet exec -u 1000:1000 -w /tmp web id"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Run it; the exit code is the command's, or podman's 125, 126, 127, 255."""
    from rundlet.core.containers.exec import ExecRequest
    from rundlet.core.errors import UsageError

    name, command = _words(context, arguments)
    terminal, stdin = arguments.flag("tty"), arguments.flag("interactive")
    detach = arguments.flag("detach")
    if arguments.flag("no-session") and (detach or "detach-keys" in arguments.given):
        raise UsageError("--no-session cannot be used with --detach or --detach-keys")
    request = ExecRequest(
        command=tuple(command),
        env=_environment(context, arguments),
        user=arguments.text("user"),
        workdir=arguments.text("workdir"),
        terminal=terminal,
        stdin=stdin,
        privileged=_privileged(context, arguments),
        detach=detach,
        tracked=not arguments.flag("no-session"),
        preserve_fds=arguments.number("preserve-fds") or 0,
        preserve_fd=_descriptors(arguments),
    )
    context.stdout.flush()
    if detach:
        context.print(context.engine.containers.exec(name, request).session)
        return 0
    from rundlet.core.contracts.monitor import Streams
    from rundlet.core.monitor.detach import keys as detach_keys

    keys = arguments.text("detach-keys")
    given = "detach-keys" in arguments.given
    streams = Streams(
        stdin=0 if stdin else -1,
        terminal=terminal,
        detach_keys=detach_keys(keys if given else context.engine.settings.detach_keys),
    )
    return context.engine.containers.exec(name, request, streams).exit_code


def _privileged(context: Context, arguments: Parsed) -> bool:
    """As said, or by `privileged` of containers.conf, as with podman."""
    if "privileged" in arguments.given:
        return arguments.flag("privileged")
    return bool(context.engine.settings.run_flags.get("privileged"))


def _words(context: Context, arguments: Parsed) -> tuple[str, Sequence[str]]:
    """The container and the command."""
    from rundlet.core.errors import UsageError

    words = arguments.arguments
    if arguments.flag("latest") or arguments.texts("cidfile"):
        from ..selecting import chosen

        (name, *_) = chosen(context, _without_arguments(arguments))
    elif words:
        name, words = words[0], words[1:]
    else:
        raise UsageError("exec requires the name or ID of a container or the --latest flag")
    if not words:
        raise UsageError("must provide a non-empty command to start an exec session:"
                         " invalid argument")  # fmt: skip
    return name, words


def _without_arguments(arguments: Parsed) -> Parsed:
    """With --latest all words are the command."""
    return type(arguments)(arguments.values, (), arguments.given)


def _descriptors(arguments: Parsed) -> tuple[int, ...]:
    if not arguments.texts("preserve-fd"):
        return ()
    from ..request.build import descriptors

    return descriptors(arguments)


def _environment(context: Context, arguments: Parsed) -> dict[str, str]:
    if not arguments.texts("env") and not arguments.texts("env-file"):
        return {}
    from ..request.environment import given

    return given(arguments.texts("env"), arguments.texts("env-file"))
