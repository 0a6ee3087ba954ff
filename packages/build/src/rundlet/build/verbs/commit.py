"""`rundlet-build commit`: an image of a working container (buildah-commit(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from .words import TRANSPORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="commit",
    summary="Create an image from a working container",
    usage="[options] CONTAINER [IMAGE]",
    description="Writes a new image using the container's read-write layer and, if it is based on"
    " an image, the layers of that image.",
    run="rundlet.build.verbs.commit:run",
    options=(
        Option("annotation", help="Set an annotation of the image", many=True),
        Option("config", help="Instructions from a JSON file of an image config's fields",
               completes="files"),
        Flag("disable-compression", "D", "Layers are kept compressed: does nothing",
             default=True, hidden=True),
        Option("format", "f", help="Format of the image", choices=("oci", "docker")),
        Flag("identity-label", help="Add the builder's label", default=True),
        Option("iidfile", help="Write the image ID to the file", completes="files"),
        Flag("omit-history", help="Omit the history"),
        Flag("quiet", "q", "Don't output progress information when writing images"),
        Flag("rm", help="Remove the container after committing it"),
        Option("source-date-epoch", help="Seconds since the epoch: nothing made is newer",
               kind="int"),
        Flag("squash", help="Produce an image with only one layer"),
        Option("timestamp", help="Seconds since the epoch: the time of all that is made",
               kind="int"),
        Option("unsetannotation", help="Leave an annotation out", many=True),
        Option("unsetenv", help="Leave a variable out", many=True),
        *TRANSPORT,
    ),
    arguments=Arguments(minimum=1, maximum=2, completes="containers"),
    examples=("rundlet-build commit web localhost/web", "rundlet-build commit --rm web oci:/tmp/w"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Commit; prints the image's id. A destination with a transport gets it pushed."""
    from rundlet.build.working.commit import CommitOrder
    from rundlet.build.working.containers import WorkingContainers
    from rundlet.core.commands.progress import shown
    from rundlet.core.images.names import split_transport

    from .transport import transport_settings
    from .values import timestamp

    name, *rest = arguments.arguments
    target = rest[0] if rest else ""
    elsewhere = bool(target) and split_transport(context.engine, target) is not None
    if target.startswith("containers-storage:"):
        target, elsewhere = target.removeprefix("containers-storage:"), False
    container = WorkingContainers(context.engine).get(name)
    _merge(container.config.config, arguments.text("config"))
    image = container.commit(
        CommitOrder(
            names=(target,) if target and not elsewhere else (),
            format=arguments.text("format"),
            squash=arguments.flag("squash"),
            timestamp=timestamp(arguments),
            omit_history=arguments.flag("omit-history"),
            identity_label=arguments.flag("identity-label"),
            unset_environment=arguments.texts("unsetenv"),
            unset_annotations=arguments.texts("unsetannotation"),
            annotations=dict(text.partition("=")[::2] for text in arguments.texts("annotation")),
        )
    )
    if elsewhere:
        with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
            context.engine.images.push(
                image.id, target, settings=transport_settings(arguments), progress=progress
            )
    if arguments.text("iidfile"):
        with open(arguments.text("iidfile"), "w", encoding="ascii") as file:
            file.write(f"sha256:{image.id}")
    if arguments.flag("rm"):
        container.remove()
    context.print(image.id)
    return 0


def _merge(config: dict[str, object], path: str) -> None:
    """--config: the fields of a JSON file stand instead of the container's."""
    if not path:
        return
    import json

    from rundlet.core.errors import InvalidArgument

    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"--config {path}: {error}") from None
    if not isinstance(found, dict):
        raise InvalidArgument(f"--config {path}: not a JSON object")
    config.update({key: value for key, value in found.items() if value})
