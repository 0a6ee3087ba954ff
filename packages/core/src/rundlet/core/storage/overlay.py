"""The overlay driver: a directory per layer, stacked by the kernel's overlayfs.

    home/ID/diff     the layer's own files, whiteouts in overlayfs' own form;
                     or a link to one in another home
    home/ID/record   link to the record of the archive of a layer in another home (`linked`)
    home/ID/root     empty; there when the layer's archive described the root directory itself
    home/ID/work     workdir of a writable layer
    home/ID/merged   where it is mounted
    home/ID/idmap    of a layer whose files were given to other owners: the map (`shifted`)
    home/staging/    layers being made or removed (staging.py)

(kernel Documentation/filesystems/overlayfs.rst)
"""

from __future__ import annotations

import os
import sys

from ..archive import whiteouts as styles
from ..contracts.storage import MountOptions, StorageDriver
from ..hookspecs import hookimpl
from ..linux.syscalls import MNT_DETACH, MS_RDONLY, UMOUNT_NOFOLLOW, unmount
from . import linked, staging, trees
from .overlay_mount import checked_words, explained, mount_overlay, redirects, split_words, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from ..contracts.probe import Probe
    from ..contracts.storage import Change, LayerUsage
    from ..streams import Readable, Writable


class OverlayDriver(StorageDriver):
    """Options, as containers-storage.conf(5) has them.

    mountopt: "metacopy=on,volatile". ignore_chown_errors: "true" leaves files to the caller's
    user where it may not give them away. `MountOptions.extra` takes "volatile=true" and
    "mountopt=..." for one mount. mount_program and force_mask have no effect, and a warning.
    """

    name = "overlay"
    independent_layers = True
    renames = True
    views = True
    links = True
    without: tuple[str, ...] = ("mount_program", "force_mask")
    """Options of containers/storage that are taken without effect."""

    def __init__(self, home: str, options: dict[str, Any] | None = None) -> None:
        super().__init__(home, options)
        self._home = os.path.abspath(home)
        self._words = checked_words(str(self.options.get("mountopt", "")))
        self._userxattr = "userxattr" in self._words

    # --- layers

    def apply(self, layer: str, parents: Sequence[str], archive: Readable) -> LayerUsage:
        from .overlay_apply import unpack

        linked.make_way(self._home, layer, "diff")
        with staging.Birth(self._home, layer, durable=True) as path:
            return unpack(
                archive,
                path,
                whiteouts=self._style(),
                ignore_chown_errors=self._flag("ignore_chown_errors"),
            )

    def link(self, layer: str, directory: str, record: str = "") -> None:
        linked.check(directory)
        linked.make_way(self._home, layer, "diff")
        with staging.Birth(self._home, layer) as path:
            os.symlink(f"{directory}/diff", f"{path}/diff")
            if record:
                os.symlink(record, f"{path}/record")
            if linked.has_root(directory):
                os.mkdir(f"{path}/root", 0o700)

    def elsewhere(self, layer: str) -> str:
        return linked.elsewhere(self._diff(layer))

    def archive_size(self, layer: str) -> int | None:
        return linked.archive_size(f"{self._home}/{layer}")

    def create(self, layer: str, parents: Sequence[str]) -> None:
        self._warn()
        with staging.Birth(self._home, layer) as path:
            for name in ("diff", "work", "merged"):
                os.mkdir(f"{path}/{name}", 0o700)
            self._inherit_root(f"{path}/diff", parents)

    def _warn(self) -> None:
        """Of options without effect, once: when the first container is made."""
        for option in self.without:
            if self.options.get(option):
                sys.stderr.write(
                    f"WARN[0000] storage option overlay.{option} has no effect: the kernel mounts\n"
                )
        self.without = ()

    def _inherit_root(self, diff: str, parents: Sequence[str]) -> None:
        """What a container sees as / is the upper root: it takes after the image's."""
        for parent in parents:
            if os.path.exists(f"{self._home}/{parent}/root"):
                trees.require_all(self._home, "diff", (parent,))
                info = os.stat(self._diff(parent))
                os.chown(diff, info.st_uid, info.st_gid)
                os.chmod(diff, info.st_mode & 0o7777)
                return
        os.chmod(diff, 0o755)

    def exists(self, layer: str) -> bool:
        return os.path.isdir(self._diff(layer))

    def remove(self, layer: str) -> None:
        self.unmount(layer)
        staging.bury(self._home, layer)

    def discard(self, layer: str) -> None:
        self.unmount(layer)
        staging.set_aside(self._home, layer)

    def rename(self, layer: str, name: str) -> None:
        linked.make_way(self._home, name, "diff")
        os.rename(f"{self._home}/{layer}", f"{self._home}/{name}")

    def layers(self) -> Iterator[str]:
        return trees.layers(self._home, "diff")

    def collect(self) -> None:
        staging.collect(self._home)
        if os.path.isdir(f"{self._home}/view"):
            from .idmap import clear_unused

            clear_unused(self._home)

    # --- mounting

    def mount(self, layer: str, parents: Sequence[str], options: MountOptions) -> str:
        merged = f"{self._home}/{layer}/merged"
        if os.path.ismount(merged):
            return merged
        if not (options.uid_map or options.gid_map):
            self._mount(layer, parents, {}, options)
            return merged
        self._mount_mapped(layer, parents, options)
        # The container's root, who is nobody here, must be able to get there.
        for directory in (self._home, f"{self._home}/{layer}"):
            os.chmod(directory, 0o711)
        return merged

    def _mount(
        self, layer: str, parents: Sequence[str], views: Mapping[str, str], options: MountOptions
    ) -> None:
        """Mount over the parents, by the views of them if there are any."""
        target = f"{self._home}/{layer}/merged"
        lowers = self._seen(views, parents)
        upper, work = self._diff(layer), f"{self._home}/{layer}/work"
        if options.read_only:
            lowers.insert(0, upper)
            upper = work = ""
        while len(lowers) + bool(upper) < 2:
            lowers.append(f"{self._home}/{self._empty()}")
        words = self._mount_words(layer, options)
        kernel_words, flags = split_words(words)
        if options.read_only:
            flags |= MS_RDONLY
        try:
            try:
                mount_overlay(target, lowers, upper, work, kernel_words, flags)
            except FileNotFoundError:
                self._complete(layer, parents)
                mount_overlay(target, lowers, upper, work, kernel_words, flags)
        except OSError as error:
            raise explained(error, target, kernel_words) from error

    def _complete(self, layer: str, parents: Sequence[str]) -> None:
        """Make what only a first mount of an image layer needs. Raises Corrupt for a gap."""
        trees.require_all(self._home, "diff", (layer, *parents))
        for name in ("work", "merged"):
            os.makedirs(f"{self._home}/{layer}/{name}", 0o700, exist_ok=True)

    def _mount_mapped(self, layer: str, parents: Sequence[str], options: MountOptions) -> None:
        """Mount with the parents' owners mapped: by views of them, or as copies in the layer."""
        from .idmap import Views, check
        from .shifted import shift_overlay

        trees.require_all(self._home, "diff", (layer, *parents))
        check(options)
        self._empty()
        with Views(self._home, options, self._linked(parents)) as views:
            shift_overlay(self._home, layer, parents, options, copied=not views)
            self._complete(layer, parents)
            self._mount(layer, parents, views, options)

    def view(self, layer: str, parents: Sequence[str], target: str, options: MountOptions) -> None:
        from .idmap import Views, check, not_supported

        layers = (layer, *parents)
        trees.require_all(self._home, "diff", layers)
        check(options)
        words = [word for word in split_words(self._words)[0] if word != "volatile"]
        with Views(self._home, options, self._linked(layers)) as views:
            if not views:
                raise not_supported(self._home)
            lowers = self._seen(views, layers)
            if not parents:
                lowers.append(f"{views[self._home]}/{self._empty()}")
            try:
                mount_overlay(target, lowers, words=words, flags=MS_RDONLY)
            except OSError as error:
                raise explained(error, target, words) from error

    def _linked(self, layers: Sequence[str]) -> list[str]:
        """The directories of those that are in other homes."""
        return [place for place in map(self.elsewhere, layers) if place]

    def _seen(self, views: Mapping[str, str], layers: Sequence[str]) -> list[str]:
        """Where layers show with other owners; where they are, without views."""
        if not views:
            return [self._diff(layer) for layer in layers]
        return [
            views.get(self.elsewhere(layer)) or f"{views[self._home]}/{layer}/diff"
            for layer in layers
        ]

    def _mount_words(self, layer: str, options: MountOptions) -> list[str]:
        """The driver's options, then the mount's own."""
        words = [*self._words, *words_of(options)]
        if options.read_only:
            return [word for word in words if word != "volatile"]
        if "volatile" in words:
            # overlayfs refuses a second mount, for what a power cut may have torn. A kill
            # tears nothing, and whoever asks for `volatile` does not mind the rest.
            staging.delete(f"{self._home}/{layer}/work/work/incompat")
        return words

    def _empty(self) -> str:
        """An empty directory in home: overlayfs needs two layers."""
        os.makedirs(f"{self._home}/empty", mode=0o755, exist_ok=True)
        return "empty"

    def unmount(self, layer: str) -> None:
        merged = f"{self._home}/{layer}/merged"
        try:
            while True:
                unmount(merged, MNT_DETACH | UMOUNT_NOFOLLOW)
        except OSError:  # EINVAL: not mounted (any more); ENOENT: never was
            if os.path.ismount(merged):
                raise

    # --- content

    def diff(self, layer: str, parents: Sequence[str], out: Writable) -> None:
        from ..archive.create import write_tree

        trees.require_all(self._home, "diff", (layer,))
        if linked.assembled(f"{self._home}/{layer}", "diff", out):
            return
        if self._is_native(layer):
            write_tree(self._diff(layer), out, whiteouts=self._style())
        else:
            from .shifted import overlay_diff

            overlay_diff(self, self._home, layer, parents, out)

    def changes(self, layer: str, parents: Sequence[str]) -> Iterator[Change]:
        trees.require_all(self._home, "diff", (layer,))
        if self._is_native(layer):
            from .changes import overlay_changes

            below = [self._diff(parent) for parent in parents]
            opaque = self._style().xattr.decode()
            return overlay_changes(self._diff(layer), below, opaque)
        from .shifted import overlay_changes_by_trees

        return iter(overlay_changes_by_trees(self, self._home, layer, parents))

    def usage(self, layer: str) -> LayerUsage:
        trees.require_all(self._home, "diff", (layer,))
        return trees.usage(self._diff(layer))

    def _is_native(self, layer: str) -> bool:
        """Whether the upper directory says all: no redirects, no metadata-only copies."""
        return not redirects(self._words) and not os.path.exists(f"{self._home}/{layer}/idmap")

    # --- small things

    def _diff(self, layer: str) -> str:
        return f"{self._home}/{layer}/diff"

    def _style(self) -> styles.Whiteouts:
        return styles.OVERLAY_USER if self._userxattr else styles.OVERLAY

    def _flag(self, name: str) -> bool:
        return str(self.options.get(name, "")).lower() in ("true", "1", "yes")

    def probe(self) -> Probe:
        """Mounts an overlay near home once, changes it, and looks at what that left on disk."""
        from .overlay_probe import probe

        return probe(self._home, self._words)


@hookimpl
def rundlet_storage_driver(
    name: str, home: str, options: Mapping[str, Any]
) -> StorageDriver | None:
    """Make the driver."""
    return OverlayDriver(home, dict(options)) if name == "overlay" else None
