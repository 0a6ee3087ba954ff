"""`rundlet-build mount` and `umount` (buildah-mount(1), buildah-umount(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

MOUNT = Verb(
    name="mount",
    summary="Mount a working container's root filesystem",
    usage="[options] [CONTAINER...]",
    description="Mounts the root filesystems of working containers; without one, lists those that"
    " are mounted.",
    run="rundlet.build.verbs.mount:mount",
    options=(
        Flag("json", help="Output in JSON format"),
        Flag("notruncate", help="Does nothing; for compatibility", hidden=True),
    ),
    arguments=Arguments(completes="containers"),
    examples=("rundlet-build mount web",),
)
UMOUNT = Verb(
    name="umount",
    summary="Unmount the root file system of the specified working containers",
    usage="[options] CONTAINER [CONTAINER...]",
    run="rundlet.build.verbs.mount:unmount",
    options=(Flag("all", "a", "Unmount all of the currently mounted containers"),),
    arguments=Arguments(completes="containers"),
    examples=("rundlet-build umount --all",),
)


def mount(context: Context, arguments: Parsed) -> int:
    """Mount; prints where: with the name too when several were given."""
    from rundlet.build.working.containers import WorkingContainers

    containers = WorkingContainers(context.engine)
    names = arguments.arguments
    if names:
        found = [(name, containers.get(name).mount()) for name in names]
    else:
        every = ((one.name, one.mountpoint) for one in containers.list())
        found = [(name, place) for name, place in every if place]
    if arguments.flag("json"):
        from rundlet.core.format.output import pretty

        documents = [{"container": name, "mountPoint": place} for name, place in found]
        context.print(pretty(documents) if documents else "null")
        return 0
    for name, place in found:
        context.print(place if len(names) == 1 else f"{name} {place}")
    return 0


def unmount(context: Context, arguments: Parsed) -> int:
    """Unmount; prints each id."""
    from rundlet.build.working.containers import WorkingContainers
    from rundlet.core.errors import UsageError

    containers = WorkingContainers(context.engine)
    if arguments.flag("all"):
        if arguments.arguments:
            raise UsageError("when using the --all switch, you may not pass any container IDs")
        wanted = [one for one in containers.list() if one.mountpoint]
    elif arguments.arguments:
        wanted = [containers.get(name) for name in arguments.arguments]
    else:
        raise UsageError("at least one container ID must be specified")
    for one in wanted:
        if one.mountpoint:
            one.unmount()
            context.print(one.id)
    return 0
