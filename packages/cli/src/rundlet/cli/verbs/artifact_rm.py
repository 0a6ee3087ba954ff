"""`rundlet artifact rm`: remove artifacts (podman-artifact-rm(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="artifact rm",
    summary="Remove one or more OCI artifacts",
    usage="[options] ARTIFACT [ARTIFACT...]",
    description="Remove artifacts by name or digest, with their files.",
    run="rundlet.cli.verbs.artifact_rm:run",
    options=(
        Flag("all", "a", help="Remove all artifacts"),
        Flag("ignore", "i", help="Ignore errors when a specified artifact is missing"),
    ),
    arguments=Arguments(completes="artifacts"),
    examples=("rundlet artifact rm localhost/models:1", "rundlet artifact rm --all"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Remove each and print its digest; an error does not keep the others."""
    from rundlet.core.errors import NoSuchArtifact, RundletError, UsageError

    artifacts, names = context.engine.artifacts, arguments.arguments
    if arguments.flag("all") and names:
        raise UsageError(
            "when using the --all switch, you may not pass any artifact names or digests"
        )
    if not arguments.flag("all") and not names:
        raise UsageError("a single artifact name or digest must be specified")
    code = 0
    for name in names or [artifact.name for artifact in artifacts.list()]:
        try:
            context.print(artifacts.remove(name).partition(":")[2])
        except RundletError as error:
            if arguments.flag("ignore") and isinstance(error, NoSuchArtifact):
                continue
            context.stderr.write(f"Error: {error}\n")
            code = error.exit_code
    return code
