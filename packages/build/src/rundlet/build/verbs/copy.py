"""`rundlet-build copy` and `add`: files into a working container (buildah-copy(1), -add(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from .words import ADD_HISTORY, TRANSPORT, add_history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

_OPTIONS = (
    ADD_HISTORY,
    Option("checksum", help="Check what is fetched against a digest (sha256:...)"),
    Option("chmod", help="Set the access permissions of the destination content"),
    Option("chown", help="Set the user and group of the destination content"),
    Option("contextdir", help="Context directory", completes="files"),
    Option("exclude", help="Leave out what matches a pattern", many=True),
    Option("from", help="Copy from this container's or image's root directory"),
    Option("ignorefile", help="Path of a .containerignore file", completes="files"),
    Flag("link", help="For build; does nothing for a working container", hidden=True),
    Flag("parents", help="Keep the parent directories of sources"),
    Option("timestamp", help="Seconds since the epoch: the time of all that arrives", kind="int"),
    Flag("quiet", "q", "Don't output a digest of the newly-added/copied content"),
    *TRANSPORT,
)
COPY = Verb(
    name="copy",
    summary="Copy content into the container",
    usage="[options] CONTAINER SOURCE... [DESTINATION]",
    description="Copies the contents of a file, URL, or directory into a container's working"
    " directory.",
    run="rundlet.build.verbs.copy:copy",
    options=_OPTIONS,
    arguments=Arguments(minimum=2, completes="containers"),
    examples=("rundlet-build copy web app.conf /etc/app.conf",),
)
ADD = COPY.replace(
    name="add",
    summary="Add content to the container",
    description="Adds the contents of a file, URL, or directory to a container's working"
    " directory. A local file that is an archive is unpacked.",
    run="rundlet.build.verbs.copy:add",
    examples=("rundlet-build add web site.tar.gz /var/www/",),
)


def copy(context: Context, arguments: Parsed) -> int:
    """Copy; prints a digest."""
    return _run(context, arguments, unpack=False)


def add(context: Context, arguments: Parsed) -> int:
    """Copy, unpacking archives; prints a digest."""
    return _run(context, arguments, unpack=True)


def _run(context: Context, arguments: Parsed, *, unpack: bool) -> int:
    from rundlet.build.execute.options import Timestamp
    from rundlet.build.working.containers import WorkingContainers
    from rundlet.build.working.copying import CopyOrder
    from rundlet.core.errors import UsageError

    name, *words = arguments.arguments
    if arguments.text("ignorefile") and not arguments.text("contextdir"):
        raise UsageError("--ignorefile option requires that you specify a context dir using"
                         " --contextdir")  # fmt: skip
    seconds = arguments.number("timestamp")
    destination = words.pop() if len(words) > 1 else ""
    digest = (
        WorkingContainers(context.engine)
        .get(name)
        .copy(
            CopyOrder(
                tuple(words),
                destination,
                unpack=unpack,
                chown=arguments.text("chown"),
                chmod=arguments.text("chmod"),
                excludes=arguments.texts("exclude"),
                parents=arguments.flag("parents"),
                link=arguments.flag("link"),
                checksum=arguments.text("checksum"),
                origin=arguments.text("from"),
                context=arguments.text("contextdir"),
                ignore_file=arguments.text("ignorefile"),
                timestamp=None if seconds is None else Timestamp(seconds),
                add_history=add_history(arguments),
            )
        )
    )
    if not arguments.flag("quiet"):
        context.print(digest)
    return 0
