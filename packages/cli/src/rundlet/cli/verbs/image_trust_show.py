"""`rundlet image trust show`: what the trust policy says (podman-image-trust(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

from .image_trust import PLACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.trust.described import Row

VERB = Verb(
    name="image trust show",
    summary="Display trust policy for the system",
    usage="[options] [REGISTRY]",
    description="With REGISTRY only what is said of it, and of what is below it.",
    run="rundlet.cli.verbs.image_trust_show:run",
    options=(
        Flag("json", "j", help="Output as json"),
        Flag("noheading", "n", help="Do not print column headings"),
        Flag("raw", help="Output raw policy file"),
        *PLACES,
    ),
    arguments=Arguments(maximum=1),
    examples=("rundlet image trust show", "rundlet image trust show --raw"),
)
_TABLE = "table {{.Transport}}\t{{.Name}}\t{{.Type}}\t{{.Id}}\t{{.Store}}"


def run(context: Context, arguments: Parsed) -> int:
    """Print it."""
    import json

    from rundlet.core.format.output import rows
    from rundlet.core.transports.files import failing
    from rundlet.core.trust import described, policy, registries_d

    settings = context.engine.settings
    path = arguments.text("signature-policy") or policy.path_of(settings.policy_json)
    if arguments.flag("raw"):
        with failing(path, "reading the trust policy"), open(path, encoding="utf-8") as file:
            context.print(file.read())
        return 0
    directory = arguments.text("registrypath") or settings.registries_d
    found = _chosen(
        described.rows(policy.load(path), registries_d.load(directory)), arguments.arguments
    )
    if arguments.flag("json"):
        context.print(json.dumps([row.document() for row in found], indent=2))
        return 0
    shown = [
        {
            "Transport": row.transport,
            "Name": row.scope,
            "Type": row.kind,
            "Id": row.ids,
            "Store": row.store,
        }
        for row in found
    ]
    context.print(rows(shown, _TABLE, heading=not arguments.flag("noheading")), end="")
    return 0


def _chosen(found: Sequence[Row], names: Sequence[str]) -> Sequence[Row]:
    if not names:
        return found
    wanted = names[0]
    return [
        row for row in found if row.scope == wanted or row.scope.startswith((f"{wanted}/",
                                                                             f"{wanted}:"))
    ]  # fmt: skip
