"""`rundlet inspect`: everything about containers, images, volumes, networks (podman-inspect(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb

from ..selecting import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rundlet.core.commands.context import Context, Parsed

    Find = Callable[[Context, Parsed, str], dict[str, Any]]

VERB = Verb(
    name="inspect",
    summary="Display the configuration of an object by ID or name",
    usage="[options] {CONTAINER|IMAGE|NETWORK|VOLUME} [...]",
    description="Displays JSON. Containers are looked for first, then images, volumes, networks.",
    run="rundlet.cli.verbs.inspect:run",
    options=(
        Option("format", "f", help="Format the output to a Go template or json", default="json",
               kind="template"),
        LATEST,
        Flag("size", "s", help="Display total file size"),
        Option("type", "t", help="Specify inspect-object type", default="all",
               choices=("all", "container", "image", "network", "pod", "volume")),
    ),
    arguments=Arguments(completes="objects"),
    examples=("rundlet inspect web", "rundlet inspect -f '{{.State.Pid}}' web"),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Print what is found; then an error for each that is not, exit code 125."""
    kind = arguments.text("type")
    finders = list(FINDERS.values()) if kind == "all" else [FINDERS[kind]]
    names = list(arguments.arguments)
    if arguments.flag("latest"):
        from ..selecting import chosen

        names, finders = chosen(context, arguments), [FINDERS["container"]]
    return inspect(context, arguments, names, finders, what="object" if kind == "all" else kind)


def inspect(
    context: Context,
    arguments: Parsed,
    names: Sequence[str],
    finders: Sequence[Find],
    *,
    what: str,
) -> int:
    """Look each name up with the finders in turn, and print all documents that were found."""
    from rundlet.core.errors import NotFound, UsageError

    if not names:
        raise UsageError(f"no names or ids specified: {what} inspect needs at least one")
    documents, problems = [], []
    for name in names:
        for find in finders:
            try:
                documents.append(find(context, arguments, name))
                break
            except NotFound as error:
                problem = str(error)
        else:
            known = f'no such object: "{name}"' if what == "object" else problem
            problems.append(known)
    _print(context, arguments.text("format"), documents)
    for problem in problems:
        context.stderr.write(f"Error: {problem}\n")
    return 125 if problems else 0


def _print(context: Context, form: str, documents: Sequence[dict[str, Any]]) -> None:
    from rundlet.core.format.output import pretty, rows

    if form in ("", "json", "{{json .}}"):
        context.print(pretty(documents, 5))
    else:
        from ..listing.documents import struct

        context.print(rows([struct(fielded(one)) for one in documents], form), end="")


def fielded(document: dict[str, Any]) -> dict[str, Any]:
    """What a template may name: the keys of the document, and Go's names that JSON has not."""
    from ..listing.zeros import CONTAINER, IMAGE, filled

    if "Id" not in document:
        return document
    zeros = CONTAINER if "State" in document else IMAGE
    return {"ID": document["Id"], "LockNumber": 0, **filled(document, zeros)}


def _container(context: Context, arguments: Parsed, name: str) -> dict[str, Any]:
    size = bool(arguments.values.get("size"))
    return context.engine.containers.inspect(name, size=size)


def _image(context: Context, arguments: Parsed, name: str) -> dict[str, Any]:
    images = context.engine.images
    return images.inspect(images.get(name))


def _volume(context: Context, arguments: Parsed, name: str) -> dict[str, Any]:
    volumes = context.engine.volumes
    return volumes.inspect(volumes.get(name))


def _network(context: Context, arguments: Parsed, name: str) -> dict[str, Any]:
    from ..listing.networks import view

    return view(context.engine, context.engine.networks.get(name))


def _pod(context: Context, arguments: Parsed, name: str) -> dict[str, Any]:
    from rundlet.core.errors import NoSuchPod

    raise NoSuchPod(name)  # pods are made by the CRI server only


FINDERS: dict[str, Find] = {
    "container": _container,
    "image": _image,
    "volume": _volume,
    "network": _network,
    "pod": _pod,
}
"""Kinds in the order in which they are looked for."""
