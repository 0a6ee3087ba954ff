"""`rundlet container restore`: containers go on from their checkpoints (podman-restore(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.containers.checkpoint.restore import Options

VERB = Verb(
    name="restore",
    summary="Restore one or more containers from a checkpoint",
    usage="[options] CONTAINER [CONTAINER...]",
    description="Lets containers go on where `container checkpoint` has stopped them, also on"
    " another node from an archive. A container of an archive has the id that it had, with --name"
    " one of its own.",
    run="rundlet.cli.verbs.container_restore:run",
    options=(
        Flag("all", "a", help="Restore all checkpointed containers"),
        Flag("file-locks", help="Restore a container with file locks"),
        Flag("ignore-rootfs", help="Do not apply root file-system changes when importing"),
        Flag("ignore-static-ip", help="Ignore the address that the container had"),
        Flag("ignore-static-mac", help="Ignore the MAC address that the container had"),
        Flag("ignore-volumes", help="Do not restore volumes of the archive"),
        Option("import", "i", help="Restore from an exported archive", completes="files"),
        Option("import-previous", help="Restore on top of an exported pre-checkpoint",
               completes="files"),
        Flag("keep", "k", help="Keep the checkpoint, logs and statistics of CRIU"),
        LATEST,
        Option("name", "n", help="Name of the container made from an archive"),
        Option("pod", help="Restore into a pod"),
        Flag("print-stats", help="Display restore statistics"),
        Option("publish", "p", help="Publish other ports than it had", many=True),
        Flag("tcp-established", help="Restore a container with open TCP connections"),
    ),
    arguments=Arguments(completes="ended"),
    examples=(
        "rundlet container restore web",
        "rundlet container restore --import /tmp/web.tar.zst --name web2",
    ),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Restore each and print its name (the id of one that is made), or what it took."""
    from rundlet.core.errors import NotSupported, UsageError

    from ..checkpoints import told
    from ..selecting import chosen

    if arguments.text("pod"):
        raise NotSupported("--pod is not supported", remedy="kubelet restores pods by the CRI")
    options = _options(arguments)
    containers = context.engine.containers
    if arguments.text("import"):
        if arguments.arguments or arguments.flag("all") or arguments.flag("latest"):
            raise UsageError("cannot use --import with containers, --all or --latest")
        names = [_imported(context, arguments, options)]
    else:
        _check(arguments)
        names = chosen(context, arguments, statuses=("exited",))
        if arguments.flag("all"):
            names = [name for name in names if _has_one(context, name)]
    return told(
        context, arguments, names, "restore", lambda name: containers.restore(name, options)
    )


def _options(arguments: Parsed) -> Options:
    from rundlet.core.containers.checkpoint.restore import Options

    from ..request.ports import port_mappings

    named = bool(arguments.text("name"))  # a copy: its original may have the addresses still
    return Options(
        keep=arguments.flag("keep"),
        tcp_established=arguments.flag("tcp-established"),
        file_locks=arguments.flag("file-locks"),
        ignore_rootfs=arguments.flag("ignore-rootfs"),
        ignore_volumes=arguments.flag("ignore-volumes"),
        ignore_static_ip=arguments.flag("ignore-static-ip") or named,
        ignore_static_mac=arguments.flag("ignore-static-mac") or named,
        name=arguments.text("name"),
        ports=port_mappings(arguments.texts("publish")),
    )


def _check(arguments: Parsed) -> None:
    from rundlet.core.errors import UsageError

    for option in ("name", "publish", "import-previous", "ignore-rootfs", "ignore-volumes"):
        if arguments.values.get(option):
            raise UsageError(f"--{option} can only be used with --import")


def _imported(context: Context, arguments: Parsed, options: Options) -> str:
    from rundlet.core.containers.checkpoint.restore import import_

    previous = arguments.text("import-previous")
    return import_(context.engine, arguments.text("import"), options, previous).id


def _has_one(context: Context, name: str) -> bool:
    from rundlet.core.containers.checkpoint.files import Files

    return Files(context.engine, context.engine.containers.get(name).id).there()
