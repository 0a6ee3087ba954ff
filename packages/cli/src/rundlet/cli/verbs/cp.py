"""`rundlet cp`: files between containers, the host and tar streams (podman-cp(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="cp",
    summary="Copy files/folders between a container and the local filesystem",
    usage="[options] [CONTAINER:]SRC_PATH [CONTAINER:]DEST_PATH",
    description="Copies a file or directory; - stands for a tar on standard input or output.",
    run="rundlet.cli.verbs.cp:run",
    options=(
        Flag("archive", "a", default=True,
             help="Chown copied files to the primary uid/gid of the destination container"
             " (chown_copied_files of containers.conf)"),
        Flag("overwrite",
             help="Allow to overwrite directories with non-directories and vice versa"),
        Flag("pause", help="Without effect, as in podman", hidden=True),
    ),
    arguments=Arguments(minimum=2, maximum=2, completes="paths"),
    examples=("rundlet cp file web:/tmp", "rundlet cp web:/etc - | tar t", "rundlet cp a:/d b:/"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Copy; prints nothing."""
    from rundlet.core.containers import copy, places
    from rundlet.core.errors import UsageError

    source, target = (places.parse(word) for word in arguments.arguments)
    overwrite = arguments.flag("overwrite")
    if source is None and target is None:
        raise UsageError("- cannot be both the source and the destination")
    if not (source and source.container) and not (target and target.container):
        raise UsageError("one of the two paths must be in a container: CONTAINER:PATH")
    engine = context.engine
    chown = arguments.flag("archive")
    if "archive" not in arguments.given and target is not None and target.container:
        chown = engine.settings.chown_copied_files
    if source is None:
        assert target is not None
        copy.copy_in(engine, copy.standard_input(), target, chown=chown, overwrite=overwrite)
    elif target is None:
        if context.stdout.isatty():
            raise UsageError("refusing to write a tar to a terminal: redirect standard output")
        context.stdout.flush()
        copy.copy_out(engine, source, context.stdout.buffer)
        context.stdout.buffer.flush()
    else:
        copy.copy(engine, source, target, chown=chown, overwrite=overwrite)
    return 0
