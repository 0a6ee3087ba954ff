"""`rundlet-skopeo list-tags`: the tags of a repository or archive (skopeo-list-tags(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Verb

from ..places import registry_options
from ..retrying import OPTIONS as RETRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="list-tags",
    summary="List tags in the transport/repository specified by the SOURCE-IMAGE",
    usage="[options] SOURCE-IMAGE",
    run="rundlet.skopeo.verbs.list_tags:run",
    options=(*RETRY, *registry_options()),
    arguments=Arguments(minimum=1, maximum=1),
    examples=(
        "rundlet-skopeo list-tags docker://localhost:5000/busybox",
        "rundlet-skopeo list-tags docker-archive:saved.tar",
    ),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the repository and its tags as JSON."""
    from rundlet.core.errors import InvalidArgument
    from rundlet.core.format.output import pretty
    from rundlet.core.images.reference import parse

    from ..places import located, settings
    from ..retrying import retried
    from ..running import running

    with running(context):
        text = arguments.arguments[0]
        transport, location = located(context, text)
        document: dict[str, object] = {}
        if transport.name == "docker":
            named = parse(text.partition(":")[2].removeprefix("//"))
            if named.tag or named.digest:
                raise InvalidArgument(f"{text}: No tag or digest allowed in reference")
            document["Repository"] = named.repository
        chosen = settings(context, arguments)
        tags = retried(context, arguments, lambda: transport.tags(location, chosen))
    context.print(pretty({**document, "Tags": list(tags)}))
    return 0
