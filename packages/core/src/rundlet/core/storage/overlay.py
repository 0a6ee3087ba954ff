"""The overlay driver: a directory per layer, stacked by the kernel's overlayfs.

    home/ID/diff     the layer's own files, whiteouts in overlayfs' own form
    home/ID/link     its short name, home/l/NAME -> ../ID/diff: mount(2) takes only a page
    home/ID/work     workdir of a writable layer
    home/ID/merged   where it is mounted
    home/staging/    layers being made

(kernel Documentation/filesystems/overlayfs.rst)
"""

from __future__ import annotations

import os
import secrets

from ..archive import whiteouts as styles
from ..contracts.probe import Probe
from ..contracts.storage import Change, LayerUsage, StorageDriver
from ..errors import StoreError
from ..hookspecs import hookimpl
from ..linux.syscalls import MNT_DETACH, MS_RDONLY, mount, unmount
from . import trees
from .changes import overlay_changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any, BinaryIO

    from ..contracts.storage import MountOptions

# mount(2): the data is copied as one page, with a terminating NUL.
_LONGEST_DATA = 4095
_SHORT_NAMES = "l"


class OverlayDriver(StorageDriver):
    """Options: `mountopt` ("nodev,metacopy=on"), as containers-storage.conf(5) has it."""

    name = "overlay"
    independent_layers = True

    def __init__(self, home: Path, options: dict[str, Any] | None = None) -> None:
        super().__init__(home, options)
        self._home = str(home)

    # --- layers

    def apply(self, layer: str, parents: Sequence[str], archive: BinaryIO) -> LayerUsage:
        from ..archive.extract import extract

        with trees.birth(self._home, layer) as staging:
            diff = os.path.join(staging, "diff")
            os.mkdir(diff, 0o755)
            descriptor = os.open(diff, os.O_RDONLY | os.O_DIRECTORY)
            try:
                usage = extract(archive, descriptor, whiteouts=styles.OVERLAY)
            finally:
                os.close(descriptor)
            self._name(staging, layer)
        return usage

    def create(self, layer: str, parents: Sequence[str]) -> None:
        path = os.path.join(self._home, layer)
        staging = os.path.join(self._home, trees.STAGING)
        temporary = os.path.join(staging, f"{layer}-{os.getpid()}-{secrets.token_hex(4)}")
        os.makedirs(temporary, mode=0o700)
        for name in ("diff", "work", "merged"):
            os.mkdir(os.path.join(temporary, name), 0o755)
        if parents:
            self._inherit_root(os.path.join(temporary, "diff"), parents[0])
        self._name(temporary, layer)
        os.rename(temporary, path)

    def _inherit_root(self, diff: str, parent: str) -> None:
        """The upper root is what the container sees as /: give it the parent's mode and owner."""
        try:
            info = os.stat(self._diff(parent))
        except FileNotFoundError:
            return
        os.chmod(diff, info.st_mode & 0o7777)
        os.chown(diff, info.st_uid, info.st_gid)

    def _name(self, directory: str, layer: str) -> None:
        """Give the layer a short name to be mounted by."""
        short = secrets.token_hex(6)
        links = os.path.join(self._home, _SHORT_NAMES)
        target = f"../{layer}/diff"
        try:
            os.symlink(target, os.path.join(links, short))
        except FileNotFoundError:
            os.makedirs(links, mode=0o700, exist_ok=True)
            os.symlink(target, os.path.join(links, short))
        with open(os.path.join(directory, "link"), "w", encoding="ascii") as file:
            file.write(short)

    def exists(self, layer: str) -> bool:
        return os.path.isdir(self._diff(layer))

    def remove(self, layer: str) -> None:
        self.unmount(layer)
        try:
            os.unlink(os.path.join(self._home, _SHORT_NAMES, self._short(layer)))
        except (FileNotFoundError, StoreError):
            pass
        path = os.path.join(self._home, layer)
        if os.path.isdir(path):
            # Renamed first: a kill in between leaves no layer that looks complete.
            doomed = os.path.join(self._home, trees.STAGING, f"{layer}-{os.getpid()}-removed")
            os.makedirs(os.path.dirname(doomed), mode=0o700, exist_ok=True)
            os.rename(path, doomed)
            trees.remove(doomed)

    def layers(self) -> Iterator[str]:
        try:
            names = sorted(os.listdir(self._home))
        except FileNotFoundError:
            return
        for name in names:
            if name not in (_SHORT_NAMES, trees.STAGING) and self.exists(name):
                yield name

    def collect(self) -> None:
        trees.collect(self._home)
        links = os.path.join(self._home, _SHORT_NAMES)
        if os.path.isdir(links):
            for short in os.listdir(links):
                path = os.path.join(links, short)
                if not os.path.exists(path):
                    os.unlink(path)

    # --- mounting

    def mount(self, layer: str, parents: Sequence[str], options: MountOptions) -> Path:
        from pathlib import Path

        merged = os.path.join(self._home, layer, "merged")
        if os.path.ismount(merged):
            return Path(merged)
        trees.require_directory(self._diff(layer), f"layer {layer}")
        os.makedirs(merged, exist_ok=True)
        lowers = [self._lower(parent) for parent in parents]
        if options.read_only:
            lowers.insert(0, self._lower(layer))
            words = [
                f"lowerdir={':'.join(lowers if len(lowers) > 1 else [*lowers, self._empty()])}"
            ]
        else:
            lower = ":".join(lowers) or self._empty()
            words = [f"lowerdir={lower}", f"upperdir={layer}/diff", f"workdir={layer}/work"]
        words += self._mount_options(options)
        self._mount(merged, ",".join(words), MS_RDONLY if options.read_only else 0)
        return Path(merged)

    def _mount_options(self, options: MountOptions) -> list[str]:
        words = [word for word in str(self.options.get("mountopt", "")).split(",") if word]
        known = ("metacopy", "redirect_dir", "volatile", "index", "xino", "userxattr", "uuid")
        words = [word for word in words if word.partition("=")[0] in known]
        if options.label:
            words.append(f'context="{options.label}"')
        return words

    def _empty(self) -> str:
        """An empty directory: overlayfs needs a lower one."""
        path = os.path.join(self._home, "empty")
        os.makedirs(path, mode=0o755, exist_ok=True)
        return "empty"

    def _mount(self, merged: str, data: str, flags: int) -> None:
        """Mount with paths relative to home, in a child: the working directory is the process'."""
        if len(data) > _LONGEST_DATA:
            raise StoreError(f"too many layers for one overlay mount: {data.count(':') + 1}")
        pid = os.fork()
        if pid == 0:
            code = 0
            try:
                os.chdir(self._home)
                mount("overlay", merged, "overlay", flags, data)
            except OSError as error:
                code = error.errno or 255
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code:
            raise StoreError(f"cannot mount overlay on {merged}: {os.strerror(code)}")

    def unmount(self, layer: str) -> None:
        merged = os.path.join(self._home, layer, "merged")
        while os.path.ismount(merged):
            unmount(merged, MNT_DETACH)

    # --- content

    def diff(self, layer: str, parents: Sequence[str], out: BinaryIO) -> None:
        from ..archive.create import write_tree

        write_tree(self._diff(layer), out, whiteouts=styles.OVERLAY)

    def changes(self, layer: str, parents: Sequence[str]) -> Iterator[Change]:
        return overlay_changes(self._diff(layer), [self._diff(parent) for parent in parents])

    def usage(self, layer: str) -> LayerUsage:
        return trees.usage(self._diff(layer))

    # --- paths

    def _diff(self, layer: str) -> str:
        return os.path.join(self._home, layer, "diff")

    def _short(self, layer: str) -> str:
        try:
            with open(os.path.join(self._home, layer, "link"), encoding="ascii") as file:
                return file.read().strip()
        except FileNotFoundError:
            raise StoreError(
                f"layer {layer} is missing from the store",
                remedy="Run rundlet system check, then pull the image again.",
            ) from None

    def _lower(self, layer: str) -> str:
        return f"{_SHORT_NAMES}/{self._short(layer)}"

    # --- whether it works here

    def probe(self) -> Probe:
        """Mounts an overlay below home once, and looks through it."""
        base = os.path.join(
            self._home, trees.STAGING, f"probe-{os.getpid()}-{secrets.token_hex(4)}"
        )
        try:
            for part in ("lower", "upper", "work", "merged"):
                os.makedirs(os.path.join(base, part))
            data = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
            mount("overlay", f"{base}/merged", "overlay", 0, data)
            unmount(f"{base}/merged", MNT_DETACH)
        except OSError as error:
            return Probe(False, f"overlayfs cannot be used below {self._home}: {error.strerror}")
        finally:
            if os.path.isdir(base):
                trees.remove(base)
        return Probe(True)


@hookimpl
def rundlet_storage_driver(
    name: str, home: Path, options: Mapping[str, Any]
) -> StorageDriver | None:
    """Make the driver."""
    return OverlayDriver(home, dict(options)) if name == "overlay" else None
