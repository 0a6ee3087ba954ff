"""`rundlet artifact inspect`: an artifact as JSON (podman-artifact-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="artifact inspect",
    summary="Inspect an OCI artifact",
    usage="[options] ARTIFACT",
    description="Its manifest, name and digest as JSON.",
    run="rundlet.cli.verbs.artifact_inspect:run",
    options=(
        Option("format", "f", help="Format inspect output using a Go template", kind="template"),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="artifacts"),
    examples=("rundlet artifact inspect localhost/models:1",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the document, or what a template makes of it."""
    from rundlet.cli.listing.documents import struct
    from rundlet.core.format.output import pretty, rows

    artifacts = context.engine.artifacts
    document = artifacts.inspect(arguments.arguments[0])
    form = arguments.text("format")
    if not form or form == "json":
        context.print(pretty(document))
        return 0
    size = artifacts.get(arguments.arguments[0]).size
    made = struct(document)
    view = {**made, "Artifact": made, "TotalSizeBytes": size}
    context.print(rows([view], form), end="")
    return 0
