"""`rundlet-build commit`: an image of a working container (buildah-commit(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.verbs.encryption import OPTIONS as ENCRYPTION
from rundlet.core.verbs.signing import OPTIONS as SIGNING

from .words import COMPRESSION, SBOM, TRANSPORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.build.working.commit import CommitOrder
    from rundlet.build.working.container import WorkingContainer
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="commit",
    summary="Create an image from a working container",
    usage="[options] CONTAINER [IMAGE]",
    description="Writes a new image using the container's read-write layer and, if it is based on"
    " an image, the layers of that image.",
    run="rundlet.build.verbs.commit:run",
    options=(
        Option("add-file", help="Add a file to the image: FILE[:PATH]", many=True,
               completes="files"),
        Option("annotation", help="Set an annotation of the image", many=True),
        Option("config", help="Instructions from a JSON file of an image config's fields",
               completes="files"),
        Flag("created-annotation", help="Annotate the image with the time of its making"),
        Flag("disable-compression", "D", "Layers are kept compressed: does nothing",
             default=True, hidden=True),
        Option("format", "f", help="Format of the image", choices=("oci", "docker")),
        Flag("identity-label", help="Add the builder's label", default=True),
        Option("iidfile", help="Write the image ID to the file", completes="files"),
        Option("manifest", help="Add the image to this manifest list"),
        Flag("omit-history", help="Omit the history"),
        Option("pull", help="Policy for the SBOM scanner's image: always, missing, never, newer",
               optional="always", default="missing"),
        Flag("quiet", "q", "Don't output progress information when writing images"),
        Flag("rewrite-timestamp", help="Give files too the time of SOURCE_DATE_EPOCH",
             default=True),
        Flag("rm", help="Remove the container after committing it"),
        Option("source-date-epoch", help="Seconds since the epoch: nothing made is newer",
               kind="int"),
        Flag("squash", help="Produce an image with only one layer"),
        Option("timestamp", help="Seconds since the epoch: the time of all that is made",
               kind="int"),
        Option("unsetannotation", help="Leave an annotation out", many=True),
        Option("unsetenv", help="Leave a variable out", many=True),
        *COMPRESSION,
        *ENCRYPTION,
        *SBOM,
        *SIGNING,
        *TRANSPORT,
    ),
    arguments=Arguments(minimum=1, maximum=2, completes="containers"),
    examples=("rundlet-build commit web localhost/web", "rundlet-build commit --rm web oci:/tmp/w"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Commit; prints the image's id. A destination with a transport gets it pushed."""
    from rundlet.build.execute.finishing import split_names, write_out
    from rundlet.build.execute.outputs import write_id
    from rundlet.build.working.containers import WorkingContainers
    from rundlet.core.commands.progress import shown
    from rundlet.core.images.lists import Lists
    from rundlet.core.verbs import image_config

    from .transport import transport_settings
    from .values import writing

    name, *target = arguments.arguments
    engine = context.engine
    here, elsewhere = split_names(engine, target)
    container = WorkingContainers(engine).get(name)
    said = image_config.read(arguments.text("config"))
    container.config.config.update({key: value for key, value in said.items() if value})
    image = container.commit(_order(arguments, container, here))
    if arguments.text("manifest"):
        Lists(engine).include(arguments.text("manifest"), [image])
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        how, settings = writing(arguments), transport_settings(arguments)
        write_out(engine, image, here, elsewhere, how, settings, progress)
    if arguments.text("iidfile"):
        write_id("--iidfile", arguments.text("iidfile"), f"sha256:{image.id}")
    if arguments.flag("rm"):
        container.remove()
    context.print(image.id)
    return 0


def _order(arguments: Parsed, container: WorkingContainer, names: tuple[str, ...]) -> CommitOrder:
    """What the flags say. Raises UsageError, InvalidArgument, and what a scan raises."""
    from rundlet.build.working.commit import CommitOrder

    from .values import file_timestamp, image_annotations, sbom

    files = dict(_added(text) for text in arguments.texts("add-file"))
    order = sbom(arguments)
    if order is not None:
        from rundlet.build.working.scanning import scanned

        from .transport import pull_policy, transport_settings

        found = scanned(container, order, pull_policy(arguments), transport_settings(arguments))
        found.write(order)
        files.update(found.in_image(order))
    return CommitOrder(
        names=names,
        format=arguments.text("format"),
        squash=arguments.flag("squash"),
        timestamp=file_timestamp(arguments),
        omit_history=arguments.flag("omit-history"),
        identity_label=arguments.flag("identity-label"),
        unset_environment=arguments.texts("unsetenv"),
        unset_annotations=arguments.texts("unsetannotation"),
        files=files,
        annotations=image_annotations(arguments),
    )


def _added(text: str) -> tuple[str, bytes]:
    """A file of --add-file: its path in the image, and its content. Raises NotFound."""
    import os

    from rundlet.core.errors import NotFound

    source, _, path = text.partition(":")
    try:
        with open(source, "rb") as file:
            return path or os.path.abspath(source), file.read()
    except OSError as error:
        raise NotFound(f"--add-file {source}: {error.strerror}") from None
