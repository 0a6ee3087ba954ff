"""`rundlet image tree`: the layers of an image (podman-image-tree(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.engine import Engine
    from rundlet.core.images.tree import LayerNode

VERB = Verb(
    name="image tree",
    summary="Prints layer hierarchy of an image in a tree format",
    usage="[options] IMAGE",
    run="rundlet.cli.verbs.image_tree:run",
    options=(Flag("whatrequires", help="Show all child images and layers of the specified image"),),
    arguments=Arguments(minimum=1, maximum=1, completes="images"),
    examples=("rundlet image tree web:latest",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the tree."""
    from rundlet.core.format.units import size

    engine = context.engine
    image = engine.images.get(arguments.arguments[0])
    context.print(f"Image ID: {image.id[:12]}")
    context.print(f"Tags:     [{' '.join(image.names)}]")
    context.print(f"Size:     {size(image.size)}")
    layers = engine.images.layers(image)
    if not arguments.flag("whatrequires"):
        context.print("Image Layers")
        for number, layer in enumerate(layers):
            last = number == len(layers) - 1
            context.print(f"{'└──' if last else '├──'} {_shown(layer)}")
        return 0
    if layers:
        context.print(f"Image Layers\n{_shown(layers[-1])}")
        for line in _above(engine, layers[-1].id, ""):
            context.print(line)
    return 0


def _above(engine: Engine, layer: str, indent: str) -> Iterator[str]:
    from rundlet.core.images.tree import children

    found = children(engine, layer)
    for number, child in enumerate(found):
        last = number == len(found) - 1
        yield f"{indent}{'└──' if last else '├──'} {_shown(child)}"
        yield from _above(engine, child.id, indent + ("    " if last else "│   "))


def _shown(layer: LayerNode) -> str:
    from rundlet.core.format.units import size

    text = f"ID: {layer.id[:12]} Size: {size(layer.size):>7}"
    return f"{text} Top Layer of: [{' '.join(layer.names)}]" if layer.names else text
