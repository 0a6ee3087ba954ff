"""How images stand on each other: `image tree`, and the changes of an image's top layer."""

from __future__ import annotations

from ..state import images as rows
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..contracts.storage import Change
    from ..engine import Engine
    from ..state.images import Image


class LayerNode(Value):
    """One layer of a tree: its id, bytes of content, the names of images that end there."""

    id: str
    size: int
    names: tuple[str, ...] = ()


def layers(engine: Engine, image: Image) -> list[LayerNode]:
    """The layers of an image, lowest first."""
    return [_node(engine, layer) for layer in reversed(engine.layers.chain(image.top_layer or ""))]


def children(engine: Engine, layer: str) -> list[LayerNode]:
    """The layers that stand directly on a layer."""
    found = engine.database.rows("SELECT id FROM layers WHERE parent = ? ORDER BY id", layer)
    return [_node(engine, row[0]) for row in found]


def _node(engine: Engine, layer: str) -> LayerNode:
    found = engine.layers.get(layer)
    names = engine.database.rows(
        "SELECT n.name FROM images i JOIN image_names n ON n.image = i.id"
        " WHERE i.top_layer = ? ORDER BY n.tagged",
        layer,
    )
    return LayerNode(layer, found.size if found else 0, tuple(row[0] for row in names))


def changes(engine: Engine, image: Image) -> Iterator[Change]:
    """What the top layer of an image changes in those below it (podman-image-diff(1))."""
    top = image.top_layer or ""
    row = engine.layers.get(top)
    return engine.layers.changes(top, row.parent or "" if row else "")


def parent(engine: Engine, image: Image) -> Image | None:
    """An image that is this one without its top layer, if there is one."""
    row = engine.layers.get(image.top_layer or "")
    if row is None or not row.parent:
        return None
    found = engine.database.row("SELECT id FROM images WHERE top_layer = ?", row.parent)
    return rows.get(engine.database, found[0]) if found else None
