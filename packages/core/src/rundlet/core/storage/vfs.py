"""The vfs driver: every layer a whole tree of its own, copied from its parent.

Slow and large, but it needs nothing of the kernel: for file systems and machines where
overlayfs does not work.

    home/ID/tree     the whole root directory; or a link to one in another home
    home/ID/record   link to the record of the archive of a layer in another home (linked.py)
    home/ID/idmap    of a layer whose files were given to a user namespace's owners (shifted.py)
    home/staging/    layers being made or removed (staging.py)
"""

from __future__ import annotations

import os

from ..archive import whiteouts as styles
from ..contracts.probe import Probe
from ..contracts.storage import LayerUsage, MountOptions, StorageDriver
from ..errors import NotSupported
from ..hookspecs import hookimpl
from ..linux.syscalls import MS_BIND, MS_RDONLY, MS_REMOUNT, mount
from . import linked, staging, trees
from .changes import tree_changes
from .copy import copy_tree
from .shifted import recorded, shift_tree, write_changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from ..archive.ids import IdMaps
    from ..contracts.storage import Change
    from ..streams import Readable, Writable


class VfsDriver(StorageDriver):
    """Option: ignore_chown_errors, as containers-storage.conf(5) has it."""

    name = "vfs"
    independent_layers = False
    renames = True
    views = True
    links = True

    def __init__(self, home: str, options: dict[str, Any] | None = None) -> None:
        super().__init__(home, options)
        self._home = os.path.abspath(home)

    def apply(self, layer: str, parents: Sequence[str], archive: Readable) -> LayerUsage:
        from ..archive.extract import extract

        linked.make_way(self._home, layer, "tree")
        ignore = str(self.options.get("ignore_chown_errors", "")).lower() in ("true", "1", "yes")
        with staging.Birth(self._home, layer, durable=True) as path:
            tree = self._copy(path, parents)
            descriptor = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                usage = extract(
                    archive, descriptor, whiteouts=styles.DELETE, ignore_chown_errors=ignore
                )
            finally:
                os.close(descriptor)
        return usage

    def link(self, layer: str, directory: str, record: str = "") -> None:
        # containers/storage has a layer's files at vfs/dir/ID itself.
        theirs = os.path.basename(os.path.dirname(directory)) == "dir"
        linked.make_way(self._home, layer, "tree")
        with staging.Birth(self._home, layer) as path:
            os.symlink(directory if theirs else f"{directory}/tree", f"{path}/tree")
            if record:
                os.symlink(record, f"{path}/record")

    def elsewhere(self, layer: str) -> str:
        return linked.elsewhere(f"{self._home}/{layer}/tree")

    def archive_size(self, layer: str) -> int | None:
        return linked.archive_size(f"{self._home}/{layer}")

    def create(self, layer: str, parents: Sequence[str]) -> None:
        with staging.Birth(self._home, layer) as path:
            self._copy(path, parents)

    def _copy(self, directory: str, parents: Sequence[str]) -> str:
        tree = f"{directory}/tree"
        if parents:
            trees.require_all(self._home, "tree", parents[:1])
            copy_tree(self._tree(parents[0]), tree)
        else:
            os.mkdir(tree)
            os.chmod(tree, 0o755)
        return tree

    def exists(self, layer: str) -> bool:
        return os.path.isdir(self._tree(layer))

    def mount(self, layer: str, parents: Sequence[str], options: MountOptions) -> str:
        for extra in options.extra:
            if extra.partition("=")[0] not in ("volatile", "vfs.volatile"):
                raise NotSupported(f"storage driver {self.name} has no option {extra!r}")
        trees.require_all(self._home, "tree", (layer, *parents[:1]))
        if options.uid_map or options.gid_map:
            from .idmap import check

            check(options)
            shift_tree(self._home, layer, options)
            # The container's root, who is nobody here, must be able to get there.
            for directory in (self._home, f"{self._home}/{layer}"):
                os.chmod(directory, 0o711)
        return self._tree(layer)

    def view(self, layer: str, parents: Sequence[str], target: str, options: MountOptions) -> None:
        from .idmap import check, mount_shifted, not_supported

        trees.require_all(self._home, "tree", (layer, *parents[:1]))
        check(options)
        uids, gids = options.uid_map, options.gid_map
        try:
            mount_shifted(self._tree(layer), target, uids or gids, gids or uids)
        except OSError as error:
            raise not_supported(self._home) from error
        mount("", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY)

    def unmount(self, layer: str) -> None:
        return None  # nothing is ever mounted

    def diff(self, layer: str, parents: Sequence[str], out: Writable) -> None:
        trees.require_all(self._home, "tree", (layer, *parents[:1]))
        if linked.assembled(f"{self._home}/{layer}", "tree", out):
            return
        write_changes(self._tree(layer), self._below(parents), out, self._ids(layer))

    def changes(self, layer: str, parents: Sequence[str]) -> Iterator[Change]:
        trees.require_all(self._home, "tree", (layer, *parents[:1]))
        return tree_changes(self._tree(layer), self._below(parents), self._ids(layer))

    def _ids(self, layer: str) -> IdMaps | None:
        record = recorded(f"{self._home}/{layer}")
        return record.for_diffs if record else None

    def _below(self, parents: Sequence[str]) -> str | None:
        return self._tree(parents[0]) if parents else None

    def describe(self, layer: str, parents: Sequence[str]) -> dict[str, str]:
        return {"dir": self._tree(layer)}

    def usage(self, layer: str) -> LayerUsage:
        trees.require_all(self._home, "tree", (layer,))
        return trees.usage(self._tree(layer))

    def remove(self, layer: str) -> None:
        staging.bury(self._home, layer)

    def discard(self, layer: str) -> None:
        staging.set_aside(self._home, layer)

    def rename(self, layer: str, name: str) -> None:
        linked.make_way(self._home, name, "tree")
        os.rename(f"{self._home}/{layer}", f"{self._home}/{name}")

    def layers(self) -> Iterator[str]:
        return trees.layers(self._home, "tree")

    def collect(self) -> None:
        staging.collect(self._home)

    def _tree(self, layer: str) -> str:
        """Where a layer's files are: in this home, or in another, or by that in a third."""
        tree = f"{self._home}/{layer}/tree"
        return os.path.realpath(tree) if self.elsewhere(layer) else tree

    def probe(self) -> Probe:
        return Probe(True)


@hookimpl
def rundlet_storage_driver(
    name: str, home: str, options: Mapping[str, Any]
) -> StorageDriver | None:
    """Make the driver."""
    return VfsDriver(home, dict(options)) if name == "vfs" else None
