"""`rundlet artifact add`: an artifact of files (podman-artifact-add(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="artifact add",
    summary="Add an OCI artifact to the local store",
    usage="[options] ARTIFACT PATH [PATH...]",
    description="Add files to the store, as an artifact under a whole name.",
    run="rundlet.cli.verbs.artifact_add:run",
    options=(
        Option("annotation", help="Set an annotation for the files of the artifact: KEY=VALUE",
               many=True, metavar="strings"),
        Flag("append", "a", help="Append files to an existing artifact"),
        Option("file-type", help="Set the media type of the files instead of finding it out"),
        Flag("replace", help="Replace an artifact of the same name"),
        Option("type", help="Set the type of the artifact"),
    ),
    arguments=Arguments(minimum=2, completes="files"),
    examples=("rundlet artifact add localhost/models:1 weights.bin notes.md",),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Make it; prints its digest."""
    from rundlet.core.artifacts.add import Adding
    from rundlet.core.errors import InvalidArgument

    annotations = {}
    for text in arguments.texts("annotation"):
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InvalidArgument(f"no value given for annotation {text!r}")
        annotations[key] = value
    name, *paths = arguments.arguments
    how = Adding(
        arguments.text("type"),
        arguments.text("file-type"),
        annotations,
        arguments.flag("append"),
        arguments.flag("replace"),
    )
    context.print(context.engine.artifacts.add(name, paths, how).partition(":")[2])
    return 0
