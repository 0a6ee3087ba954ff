"""`rundlet rmi`: remove images (podman-rmi(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="rmi",
    summary="Remove one or more images from local storage",
    usage="[options] IMAGE [IMAGE...]",
    run="rundlet.cli.verbs.rmi:run",
    options=(
        Flag("all", "a", help="Remove all images"),
        Flag("force", "f", help="Remove also the containers that use the image"),
        Flag("ignore", "i", help="Ignore errors if a specified image does not exist"),
        Flag("no-prune", help="Do not remove dangling images"),
    ),
    arguments=Arguments(completes="images"),
    examples=("rundlet rmi alpine", "rundlet rmi --all --force"),
)

_MISSING = 1
"""The exit code when all that went wrong is that an image is not there."""


def run(context: Context, arguments: Parsed) -> int:
    """Print what was untagged and deleted; errors are told at the end."""
    from rundlet.core.errors import NoSuchImage, RundletError

    code, problems = 0, []
    force = arguments.flag("force")
    for name in _names(context, arguments):
        try:
            removed = context.engine.images.remove(name, force=force, collect=False)
        except NoSuchImage as error:
            if not (arguments.flag("ignore") or force):
                problems.append(str(error))
                code = code or _MISSING
            continue
        except RundletError as error:
            problems.append(str(error))
            code = error.exit_code if code in (0, _MISSING) else max(code, error.exit_code)
            continue
        for untagged in removed.untagged:
            context.print(f"Untagged: {untagged}")
        for deleted in removed.deleted:
            context.print(f"Deleted: {deleted}")
    context.engine.layers.collect()
    if problems:
        context.stderr.write(f"Error: {_joined(problems)}\n")
    return code


def _joined(problems: list[str]) -> str:
    """One as it is, several as the list that podman prints."""
    if len(problems) == 1:
        return problems[0]
    return "".join((f"{len(problems)} errors occurred:", *(f"\n\t* {one}" for one in problems)))


def _names(context: Context, arguments: Parsed) -> list[str]:
    from rundlet.core.errors import UsageError

    if not arguments.flag("all"):
        if not arguments.arguments:
            raise UsageError("image name or ID must be specified")
        return list(arguments.arguments)
    if arguments.arguments:
        raise UsageError("when using the --all switch, you may not pass any images names or IDs")
    # With all names of an image it goes by its first; names that went with it are no error.
    images = [image for image in context.engine.images.list() if not image.store]
    return [name for image in images for name in image.names or (image.id,)]
