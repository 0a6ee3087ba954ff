"""The vfs driver: every layer a whole tree of its own, copied from its parent.

Slow and large, but it needs nothing of the kernel: for file systems and machines where
overlayfs does not work.

    home/ID/tree     the whole root directory
    home/staging/    layers being made
"""

from __future__ import annotations

import os

from ..archive import whiteouts as styles
from ..contracts.probe import Probe
from ..contracts.storage import Change, LayerUsage, StorageDriver
from ..hookspecs import hookimpl
from . import trees
from .changes import tree_changes
from .copy import copy_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any, BinaryIO

    from ..contracts.storage import MountOptions


class VfsDriver(StorageDriver):
    """No options."""

    name = "vfs"
    independent_layers = False

    def __init__(self, home: Path, options: dict[str, Any] | None = None) -> None:
        super().__init__(home, options)
        self._home = str(home)

    def apply(self, layer: str, parents: Sequence[str], archive: BinaryIO) -> LayerUsage:
        from ..archive.extract import extract

        with trees.birth(self._home, layer) as staging:
            tree = self._copy(staging, parents)
            descriptor = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
            try:
                usage = extract(archive, descriptor, whiteouts=styles.DELETE)
            finally:
                os.close(descriptor)
        return usage

    def create(self, layer: str, parents: Sequence[str]) -> None:
        with trees.birth(self._home, layer) as staging:
            self._copy(staging, parents)

    def _copy(self, staging: str, parents: Sequence[str]) -> str:
        tree = os.path.join(staging, "tree")
        if parents:
            trees.require_directory(self._tree(parents[0]), f"layer {parents[0]}")
            copy_tree(self._tree(parents[0]), tree)
        else:
            os.mkdir(tree, 0o755)
        return tree

    def exists(self, layer: str) -> bool:
        return os.path.isdir(self._tree(layer))

    def mount(self, layer: str, parents: Sequence[str], options: MountOptions) -> Path:
        from pathlib import Path

        trees.require_directory(self._tree(layer), f"layer {layer}")
        return Path(self._tree(layer))

    def unmount(self, layer: str) -> None:
        return None  # nothing is ever mounted

    def diff(self, layer: str, parents: Sequence[str], out: BinaryIO) -> None:
        from ..archive.create import write_tree

        found = list(self.changes(layer, parents))
        write_tree(
            self._tree(layer),
            out,
            whiteouts=styles.DELETE,
            only=[change.path.lstrip("/") for change in found if change.kind != "D"],
            removed=[change.path.lstrip("/") for change in found if change.kind == "D"],
        )

    def changes(self, layer: str, parents: Sequence[str]) -> Iterator[Change]:
        return tree_changes(self._tree(layer), self._tree(parents[0]) if parents else None)

    def usage(self, layer: str) -> LayerUsage:
        return trees.usage(self._tree(layer))

    def remove(self, layer: str) -> None:
        if not self.exists(layer):
            return
        doomed = os.path.join(self._home, trees.STAGING, f"{layer}-{os.getpid()}-removed")
        os.makedirs(os.path.dirname(doomed), mode=0o700, exist_ok=True)
        os.rename(os.path.join(self._home, layer), doomed)
        trees.remove(doomed)

    def layers(self) -> Iterator[str]:
        try:
            names = sorted(os.listdir(self._home))
        except FileNotFoundError:
            return
        yield from (name for name in names if name != trees.STAGING and self.exists(name))

    def collect(self) -> None:
        trees.collect(self._home)

    def _tree(self, layer: str) -> str:
        return os.path.join(self._home, layer, "tree")

    def probe(self) -> Probe:
        return Probe(True)


@hookimpl
def rundlet_storage_driver(
    name: str, home: Path, options: Mapping[str, Any]
) -> StorageDriver | None:
    """Make the driver."""
    return VfsDriver(home, dict(options)) if name == "vfs" else None
