"""`rundlet diff`: what changed in a container or an image (podman-diff(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.storage import Change

FORMAT = Option("format", help="Change the output format (json)", choices=("json",))
VERB = Verb(
    name="diff",
    summary="Display the changes to the object's file system",
    usage="[options] {CONTAINER|IMAGE} [{CONTAINER|IMAGE}]",
    description="Compares a container with its image, or an image's top layer with those below.",
    run="rundlet.cli.verbs.diff:run",
    options=(FORMAT, LATEST),
    arguments=Arguments(maximum=2, completes="containers"),
    examples=("rundlet diff web", "rundlet diff --format json web", "rundlet diff web other"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print one line for each path: A added, C changed, D deleted."""
    from ..selecting import chosen

    names = chosen(context, arguments)
    engine = context.engine
    if len(names) == 2:
        from rundlet.core.comparing import compare

        show(context, arguments, compare(engine, *names))
        return 0
    from rundlet.core.errors import NoSuchContainer

    try:
        found = engine.containers.changes(names[0])
    except NoSuchContainer:
        image = engine.images.find(names[0])
        if image is None:
            raise
        found = engine.images.changes(image)
    show(context, arguments, found)
    return 0


def show(context: Context, arguments: Parsed, changes: Iterable[Change]) -> None:
    """Print changes as lines or as podman's object of lists."""
    if arguments.text("format") != "json":
        for change in changes:
            context.print(f"{change.kind} {change.path}")
        return
    from rundlet.core.format.output import pretty

    lists: dict[str, list[str]] = {}
    words = {"A": "added", "C": "changed", "D": "deleted"}
    for change in changes:
        lists.setdefault(words[change.kind], []).append(change.path)
    ordered = {key: lists[key] for key in ("changed", "added", "deleted") if key in lists}
    context.print(pretty(ordered, 5))
