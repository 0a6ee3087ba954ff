"""`rundlet artifact extract`: the files of an artifact (podman-artifact-extract(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="artifact extract",
    summary="Extract an OCI artifact to a local path",
    usage="[options] ARTIFACT PATH",
    description="Write the only file of an artifact to PATH, or all of them into a directory.",
    run="rundlet.cli.verbs.artifact_extract:run",
    options=(
        Option("digest", help="Only extract blob with the given digest"),
        Option("title", help="Only extract blob with the given title"),
    ),
    arguments=Arguments(minimum=2, maximum=2, completes="artifacts files"),
    examples=("rundlet artifact extract --title notes.md localhost/models:1 notes.md",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Extract; prints nothing."""
    name, target = arguments.arguments
    context.engine.artifacts.extract(
        name, target, digest=arguments.text("digest"), title=arguments.text("title")
    )
    return 0
