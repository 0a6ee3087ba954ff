"""`rundlet-build rm`, `rmi` and `rename` (buildah-rm(1), buildah-rmi(1), buildah-rename(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.images.removing import Removed

RM = Verb(
    name="rm",
    summary="Remove one or more working containers",
    usage="[options] CONTAINER [CONTAINER...]",
    description="Removes one or more working containers, unmounting them if necessary.",
    run="rundlet.build.verbs.removing:remove",
    options=(Flag("all", "a", "Remove all containers"),),
    arguments=Arguments(completes="containers"),
    examples=("rundlet-build rm web", "rundlet-build rm --all"),
)
RMI = Verb(
    name="rmi",
    summary="Remove one or more images from local storage",
    usage="[options] IMAGE [IMAGE...]",
    run="rundlet.build.verbs.removing:remove_images",
    options=(
        Flag("all", "a", "Remove all images"),
        Flag("force", "f", "Remove the image and any containers using it"),
        Flag("prune", "p", "Remove images without a name that nothing uses"),
    ),
    arguments=Arguments(completes="images"),
    examples=("rundlet-build rmi web", "rundlet-build rmi --all --force"),
)
RENAME = Verb(
    name="rename",
    summary="Rename a container",
    usage="CONTAINER NEW-NAME",
    run="rundlet.build.verbs.removing:rename",
    arguments=Arguments(minimum=2, maximum=2, completes="containers"),
    examples=("rundlet-build rename web old-web",),
)


def remove(context: Context, arguments: Parsed) -> int:
    """Remove; prints each id. The others go when one does not."""
    from rundlet.build.working.containers import WorkingContainers
    from rundlet.core.errors import RundletError, UsageError

    containers = WorkingContainers(context.engine)
    names = list(arguments.arguments)
    if arguments.flag("all"):
        if names:
            raise UsageError("when using the --all switch, you may not pass any containers names"
                             " or IDs")  # fmt: skip
        names = [one.id for one in containers.list()]
    elif not names:
        raise UsageError("container ID must be specified")
    code = 0
    for name in names:
        try:
            one = containers.get(name)
            one.remove()
            context.print(one.id)
        except RundletError as error:
            context.stderr.write(f'Error: removing container "{name}": {error.message}\n')
            code = error.exit_code
    return code


def remove_images(context: Context, arguments: Parsed) -> int:
    """Remove; prints what was untagged, and the ids of those that are gone."""
    from rundlet.core.errors import RundletError, UsageError

    images = context.engine.images
    names = list(arguments.arguments)
    if arguments.flag("all") or arguments.flag("prune"):
        if names:
            raise UsageError("when using the --all or --prune switch, you may not pass any images"
                             " names or IDs")  # fmt: skip
        summaries = [one for one in images.list() if not one.store]
        if arguments.flag("prune"):
            summaries = [one for one in summaries if not one.names and not one.containers]
        names = [name for one in summaries for name in one.names or (one.id,)]
    elif not names:
        raise UsageError("image name or ID must be specified")
    code = 0
    for name in names:
        try:
            removed = images.remove(name, force=arguments.flag("force"))
        except RundletError as error:
            context.stderr.write(f"Error: {error.message}\n")
            code = error.exit_code
            continue
        tell(context, removed)
    return code


def tell(context: Context, removed: Removed) -> None:
    """Print the names that went, and the ids of what is gone."""
    for untagged in removed.untagged:
        context.print(f"untagged: {untagged}")
    for deleted in removed.deleted:
        context.print(deleted)


def rename(context: Context, arguments: Parsed) -> int:
    """Rename."""
    from rundlet.build.working.containers import WorkingContainers

    name, new = arguments.arguments
    WorkingContainers(context.engine).get(name).rename(new)
    return 0
