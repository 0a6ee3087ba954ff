"""`rundlet commit`: make an image of a container's changes (podman-commit(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="commit",
    summary="Create new image based on the changed container",
    usage="[options] CONTAINER [IMAGE]",
    description="Creates an image of a container's changes, on the image that it was made from.",
    run="rundlet.cli.verbs.commit:run",
    options=(
        Option("author", "a", help="Set the author for the image committed"),
        Option("change", "c", help="Apply an instruction (CMD, ENTRYPOINT, ENV, ...)", many=True),
        Option("config", help="file with a container configuration as JSON", completes="files"),
        Option("format", "f", help="Format of the image manifest and metadata", default="oci",
               choices=("oci", "docker")),
        Option("iidfile", help="file to write the image ID to", metavar="file",
               completes="files"),
        Flag("include-volumes", help="Include container volumes as image volumes"),
        Option("message", "m", help="Set commit message for imported image"),
        Flag("pause", "p", help="Pause container during commit"),
        Flag("quiet", "q", help="Suppress output"),
        Flag("squash", "s", help="squash newly built layers into a single new layer"),
    ),
    arguments=Arguments(minimum=1, maximum=2, completes="containers images"),
    examples=("rundlet commit -q web web:changed", "rundlet commit -c CMD=/bin/sh web"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Commit and print the id."""
    from rundlet.core.containers.commit import CommitOptions
    from rundlet.core.verbs import image_config

    container, *name = arguments.arguments
    image = context.engine.containers.commit(
        container,
        CommitOptions(
            name=name[0] if name else "",
            author=arguments.text("author"),
            message=arguments.text("message"),
            changes=arguments.texts("change"),
            config=image_config.read(arguments.text("config")),
            docker=_docker(arguments, context.engine.settings.image_default_format),
            squash=arguments.flag("squash"),
            include_volumes=arguments.flag("include-volumes"),
            pause=arguments.flag("pause"),
        ),
    )
    if arguments.text("iidfile"):
        _write(arguments.text("iidfile"), image.id)
    context.print(image.id)
    return 0


def _write(path: str, identity: str) -> None:
    from rundlet.core.errors import InvalidArgument

    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(identity)
    except OSError as error:
        raise InvalidArgument(f"failed to write image ID: {path}: {error.strerror}") from None


def _docker(arguments: Parsed, default: str) -> bool:
    if "format" in arguments.given:
        return arguments.text("format") == "docker"
    return default.startswith("v2s")
