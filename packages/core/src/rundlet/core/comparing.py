"""Two containers or images beside each other, file by file (podman-diff(1) with two names)."""

from __future__ import annotations

from contextlib import ExitStack

from .containers.export import HIDDEN
from .errors import NoSuchContainer, NotFound
from .storage.changes import tree_changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .contracts.storage import Change
    from .engine import Engine


def compare(engine: Engine, name: str, other: str) -> Iterator[Change]:
    """What turns the tree of `other` into that of `name`, sorted; without what starts put there.

    Raises NotFound.
    """
    with ExitStack() as stack:
        root = _root(engine, name, stack)
        for change in tree_changes(root, _root(engine, other, stack)):
            if change.path not in HIDDEN:
                yield change


def _root(engine: Engine, name: str, stack: ExitStack) -> str:
    from .containers import mounting as containers
    from .images import mounting as images

    try:
        return stack.enter_context(containers.mounted(engine, engine.containers.get(name)))
    except NoSuchContainer:
        image = engine.images.find(name)
    if image is None:
        raise NotFound(f"{name} not found: neither a container nor an image has this name")
    root = images.mount(engine, image, "diff")
    stack.callback(images.unmount, engine, image, "diff")
    return root
