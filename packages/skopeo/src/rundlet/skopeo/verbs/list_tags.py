"""`rundlet-skopeo list-tags`: the tags of a repository or archive (skopeo-list-tags(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

from ..places import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="list-tags",
    summary="List tags in the transport/repository specified by the SOURCE-IMAGE",
    usage="[options] SOURCE-IMAGE",
    run="rundlet.skopeo.verbs.list_tags:run",
    options=(
        Option("retry-times", help="The number of times to possibly retry", kind="uint"),
        *options(),
    ),
    arguments=Arguments(minimum=1, maximum=1),
    examples=("rundlet-skopeo list-tags docker://localhost:5000/busybox",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the repository and its tags as JSON."""
    from rundlet.core.format.output import pretty

    from ..places import located, settings

    transport, location = located(context, arguments.arguments[0])
    tags = list(transport.tags(location, settings(context, arguments)))
    document: dict[str, object] = {"Tags": tags}
    if location.name and transport.name == "docker":
        last = location.name.rpartition("/")[2]
        repository = location.name.rpartition(":")[0] if ":" in last else location.name
        document = {"Repository": repository, **document}
    context.print(pretty(document))
    return 0
