"""`rundlet system reset`: remove everything (podman-system-reset(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="system reset",
    summary="Reset storage back to default state",
    description="All containers are stopped and removed, and all images, artifacts, volumes,"
    " networks and secrets, and then the directories in which they were.",
    run="rundlet.cli.verbs.system_reset:run",
    options=(Flag("force", "f", help="Do not prompt for confirmation"),),
    arguments=Arguments(maximum=0),
)


def run(context: Context, arguments: Parsed) -> int:
    """Ask, and remove."""
    from rundlet.core.system.reset import reset

    from ..asking import confirmed

    settings = context.engine.settings
    listed = "".join(
        f"        - {line}\n"
        for line in (
            "all containers",
            "all images",
            "all artifacts",
            "all networks",
            "all volumes",
            "all secrets",
            f'the graphRoot directory: "{settings.graph_root}"',
            f'the runRoot directory: "{settings.run_root}"',
        )
    ).rstrip("\n")
    if not arguments.flag("force") and not confirmed(context, f"This will remove:\n{listed}"):
        return 0
    for problem in reset(context.engine):
        context.warn(problem)
    return 0
