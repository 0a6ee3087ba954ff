"""`rundlet policy test`: what each admission hook would say of an image."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.plugins.relay import Verdict
    from rundlet.core.views import ImageView

VERB = Verb(
    name="policy test",
    summary="Show what admission hooks would say of an image",
    usage="[options] IMAGE",
    description="Asks every hooks plugin whether the image may be pulled (by its name) and run."
    " Nothing is pulled or run. The exit code is 1 when a hook would deny it.",
    run="rundlet.cli.verbs.policy_test:run",
    options=(
        Option("action", help="Ask of this action only", choices=("pull", "run")),
        Option(
            "format", help="Pretty-print verdicts to JSON or using a Go template", kind="template"
        ),
        Flag("noheading", "n", help="Do not print headers"),
    ),
    arguments=Arguments(minimum=1, maximum=1, completes="images"),
    examples=("rundlet policy test docker.io/library/nginx",),
)

_TABLE = "table {{.Plugin}}\t{{.Action}}\t{{.Verdict}}\t{{.Seconds}}\t{{.Reason}}"


def run(context: Context, arguments: Parsed) -> int:
    """Print a line for each hook and action. Exit code 1 when one says no."""
    from rundlet.core.format.output import rows

    (name,) = arguments.arguments
    plugins = context.engine.plugins
    actions = (arguments.text("action"),) if arguments.text("action") else ("pull", "run")
    found = [
        _row(action, verdict)
        for action in actions
        for verdict in plugins.verdicts(_view(context, name, action), action)
    ]
    form = arguments.text("format") or _TABLE
    context.print(rows(found, form, heading=not arguments.flag("noheading")), end="")
    return 1 if any(row["Verdict"] == "denied" for row in found) else 0


def _row(action: str, verdict: Verdict) -> dict[str, object]:
    return {
        "Plugin": verdict.plugin,
        "Distribution": verdict.distribution,
        "Action": action,
        "Verdict": "allowed" if verdict.allowed else "denied",
        "Failed": verdict.failed,
        "Seconds": f"{verdict.took:.3f}",
        "Reason": verdict.reason,
    }


def _view(context: Context, name: str, action: str) -> ImageView:
    """As the engine shows it: before a pull only the name is known."""
    from rundlet.core.views import ImageView

    image = context.engine.images.find(name) if action == "run" else None
    if image is None:
        return ImageView(name)
    return ImageView(
        name=name,
        id=image.id,
        created=image.created / 1e9,
        labels=image.labels,
        architecture=image.architecture,
    )
