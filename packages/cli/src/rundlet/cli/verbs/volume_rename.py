"""`rundlet volume rename`: give a volume another name (podman-volume-rename(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="volume rename",
    summary="Rename an existing volume",
    usage="VOLUME NAME",
    description="Renames a volume that no container uses and that is not mounted. An anonymous"
    " volume becomes a named one.",
    run="rundlet.cli.verbs.volume_rename:run",
    arguments=Arguments(minimum=2, maximum=2, completes="volumes none"),
    examples=("rundlet volume rename mydata data_backup",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Rename; prints nothing."""
    name, new = arguments.arguments
    context.engine.volumes.rename(name, new)
    return 0
