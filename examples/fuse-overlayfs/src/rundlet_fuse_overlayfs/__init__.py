"""The storage driver `fuse-overlayfs`: layers stacked in user space.

For machines and file systems where the kernel's overlayfs does not work. It keeps layers as
the overlay driver does, and lets the program fuse-overlayfs(1) mount them: one process for
each mounted layer, which ends when that is unmounted.
"""

from __future__ import annotations

import os
import shutil

from rundlet.core.contracts.probe import Probe
from rundlet.core.contracts.storage import MountOptions
from rundlet.core.errors import Corrupt, InvalidArgument, NotSupported, StoreError
from rundlet.core.hookspecs import hookimpl
from rundlet.core.linux.spawn import spawn
from rundlet.core.storage.overlay import OverlayDriver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from rundlet.core.contracts.storage import Change, IdMap, StorageDriver

PROGRAM = "fuse-overlayfs"


class FuseOverlayfsDriver(OverlayDriver):
    """Option: mount_program, as containers-storage.conf(5) has it; else found on PATH.

    An id map costs nothing: files on disk belong to the container's ids, and the program
    shows them as the host's.
    """

    name = "fuse-overlayfs"
    without = ()

    def probe(self) -> Probe:
        program = self._program()
        if not program:
            return Probe(False, f"{PROGRAM} is not installed: apt install {PROGRAM}")
        try:
            os.close(os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC))
        except OSError as error:
            return Probe(False, f"/dev/fuse: {error.strerror} (modprobe fuse)")
        if ":" in os.path.realpath(self.home):
            return Probe(False, f"{PROGRAM} cannot have a colon in its paths: {self.home}")
        return Probe(True, details={"mount program": program})

    def mount(self, layer: str, parents: Sequence[str], options: MountOptions) -> str:
        merged = f"{self.home}/{layer}/merged"
        if os.path.ismount(merged):
            return merged
        self.unmount(layer)  # a program that was killed leaves a mount that answers nothing
        for name in (layer, *parents):
            if not os.path.isdir(f"{self.home}/{name}/diff"):
                raise Corrupt(
                    f"layer {name} is missing from the store",
                    remedy="Remove the images that use it (rmi) and pull them again.",
                )
        words = _words(options)
        for name in ("work", "merged"):
            os.makedirs(f"{self.home}/{layer}/{name}", 0o700, exist_ok=True)
        lowers = [f"{name}/diff" for name in parents]
        if options.read_only:
            lowers.insert(0, f"{layer}/diff")
        else:
            words += [f"upperdir={layer}/diff", f"workdir={layer}/work"]
        if not lowers:
            os.makedirs(f"{self.home}/empty", 0o755, exist_ok=True)
            lowers = ["empty"]
        self._run(["-o", ",".join([f"lowerdir={':'.join(lowers)}", *words]), f"{layer}/merged"])
        if options.uid_map or options.gid_map:
            # The container's root, who is nobody here, must be able to get there.
            for directory in (self.home, f"{self.home}/{layer}"):
                os.chmod(directory, 0o711)
        return merged

    def changes(self, layer: str, parents: Sequence[str]) -> Iterator[Change]:
        # An opaque directory is marked twice: by the attribute, as overlayfs does, and by a file.
        for change in super().changes(layer, parents):
            if os.path.basename(change.path) != ".wh..wh..opq":
                yield change

    def _program(self) -> str:
        return shutil.which(str(self.options.get("mount_program", "")) or PROGRAM) or ""

    def _run(self, arguments: list[str]) -> None:
        """Run the program in home, so that no path of ours needs quoting; it goes on by itself.

        Raises StoreError with its words.
        """
        program = self._program()
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        words = os.memfd_create(PROGRAM, os.MFD_CLOEXEC)
        try:
            pid = spawn(
                [program or PROGRAM, *arguments],
                directory=self.home,
                environment=os.environ,
                descriptors={0: null, 1: words, 2: words},
            )
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            said = os.pread(words, 4096, 0).decode(errors="replace").strip()
        except OSError as error:
            raise StoreError(f"cannot run {PROGRAM}: {error.strerror}") from error
        finally:
            os.close(null)
            os.close(words)
        if code != 0:
            raise StoreError(f"{program}: {said or f'exit code {code}'}")


def _words(options: MountOptions) -> list[str]:
    """Options of the program for one mount. Raises InvalidArgument, NotSupported."""
    words = ["ro"] if options.read_only else []
    for extra in options.extra:
        if extra.partition("=")[0] not in ("volatile", "fuse-overlayfs.volatile"):
            raise NotSupported(f"storage driver fuse-overlayfs has no option {extra!r}")
        words.append("fsync=0")
    if options.label:
        words.append(f'context="{options.label}"')
    for kind, rows in (("uid", options.uid_map), ("gid", options.gid_map)):
        rows = rows or options.uid_map or options.gid_map
        if rows:
            words.append(f"{kind}mapping={':'.join(_row(row, rows) for row in rows)}")
    return words


def _row(row: IdMap, rows: Sequence[IdMap]) -> str:
    for other in rows:
        apart = other.container >= row.container + row.size
        if other is not row and not apart and row.container < other.container + other.size:
            raise InvalidArgument(f"id maps overlap: {row.container} and {other.container}")
    return f"{row.container}:{row.host}:{row.size}"


@hookimpl
def rundlet_storage_driver(
    name: str, home: str, options: Mapping[str, Any]
) -> StorageDriver | None:
    """Make the driver."""
    return FuseOverlayfsDriver(home, dict(options)) if name == "fuse-overlayfs" else None
