"""Names that images are given, and lose: `tag` and `untag`."""

from __future__ import annotations

from ..errors import NotFound
from ..state import images as rows
from .names import stored_name
from .notify import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine
    from ..state.images import Image


def tag(engine: Engine, image: Image, targets: Sequence[str]) -> None:
    """Give an image names, all or none. Raises InvalidArgument for what is no name."""
    full = [str(stored_name(target)) for target in targets]
    with engine.database.transaction():
        for target in full:
            rows.set_name(engine.database, target, image.id)
            event(engine, "tag", image.id, target)


def untag(engine: Engine, image: Image, targets: Sequence[str]) -> None:
    """Take names from an image, all or none. Raises NotFound for one that is none."""
    with engine.database.transaction():
        for target in targets:
            full = target if target in image.names else str(stored_name(target))
            if not rows.drop_name(engine.database, full):
                raise NotFound(f"{full}: tag not known")
            event(engine, "untag", image.id, full)
