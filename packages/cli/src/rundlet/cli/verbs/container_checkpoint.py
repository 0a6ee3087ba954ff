"""`rundlet container checkpoint`: write running containers to files (podman-checkpoint(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="checkpoint",
    summary="Checkpoint one or more containers",
    usage="[options] CONTAINER [CONTAINER...]",
    description="Writes all processes of running containers to disk, by CRIU. They have ended"
    " then, and `container restore` lets them go on.",
    run="rundlet.cli.verbs.container_checkpoint:run",
    options=(
        Flag("all", "a", help="Checkpoint all running containers"),
        Option("compress", "c", help="Compression algorithm of the archive", default="zstd",
               choices=("zstd", "none", "gzip")),
        Option("create-image", help="Create a checkpoint image with the specified name"),
        Option("export", "e", help="Export the checkpoint to a tar", completes="files"),
        Flag("file-locks", help="Checkpoint a container with file locks"),
        Flag("ignore-rootfs", help="Do not include root file-system changes when exporting"),
        Flag("ignore-volumes", help="Do not export volumes associated with the container"),
        Flag("keep", "k", help="Keep logs and statistics of CRIU"),
        LATEST,
        Flag("leave-running", "R", help="Leave the container running after the checkpoint"),
        Flag("pre-checkpoint", "P", help="Dump the memory only, and leave it running"),
        Flag("print-stats", help="Display checkpoint statistics"),
        Flag("tcp-established", help="Checkpoint a container with open TCP connections"),
        Flag("with-previous", help="Checkpoint on top of a pre-checkpoint"),
    ),
    arguments=Arguments(completes="running"),
    examples=(
        "rundlet container checkpoint web",
        "rundlet container checkpoint -R --export /tmp/web.tar.zst web",
    ),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Checkpoint each and print its name, or what it took."""
    from rundlet.core.containers.checkpoint.dump import Options
    from rundlet.core.errors import NotSupported, UsageError

    from ..checkpoints import told
    from ..selecting import RUNNING, chosen

    if arguments.text("create-image"):
        raise NotSupported("--create-image is not supported", remedy="use --export")
    names = chosen(context, arguments, statuses=RUNNING)
    export = arguments.text("export")
    if export and len(names) != 1:
        raise UsageError("--export writes one container: name exactly one")
    _check(arguments)
    options = Options(
        keep=arguments.flag("keep"),
        leave_running=arguments.flag("leave-running"),
        tcp_established=arguments.flag("tcp-established"),
        file_locks=arguments.flag("file-locks"),
        pre=arguments.flag("pre-checkpoint"),
        previous=arguments.flag("with-previous"),
        export=export,
        compression=arguments.text("compress"),
        ignore_rootfs=arguments.flag("ignore-rootfs"),
        ignore_volumes=arguments.flag("ignore-volumes"),
    )
    containers = context.engine.containers
    return told(
        context, arguments, names, "checkpoint", lambda name: containers.checkpoint(name, options)
    )


def _check(arguments: Parsed) -> None:
    """What means nothing without --export, as podman says it."""
    from rundlet.core.errors import UsageError

    if arguments.text("export"):
        return
    for flag in ("ignore-rootfs", "ignore-volumes"):
        if arguments.flag(flag):
            raise UsageError(f"--{flag} can only be used with --export")
    if "compress" in arguments.given:
        raise UsageError("--compress can only be used with --export")
