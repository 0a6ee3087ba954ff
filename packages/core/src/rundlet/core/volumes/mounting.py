"""What volumes show that is not their directory: file systems (`podman volume create -o type=...
-o device=... -o o=...`), and images.
"""

from __future__ import annotations

import os

from ..errors import StoreError
from ..linux.mounts import is_mounted
from ..linux.processes import run
from ..linux.syscalls import MNT_DETACH
from ..linux.syscalls import unmount as unmount_call
from .options import for_mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.volumes import Volume

_PROGRAMS = ("/usr/bin/mount", "/bin/mount", "/sbin/mount", "/usr/sbin/mount")


def mount(engine: Engine, volume: Volume, path: str) -> None:
    """Mount what a volume has to show on its directory, unless it is there."""
    if volume.layer:
        from .image import mount as mount_image

        mount_image(engine, volume, path)
    else:
        _mount_device(volume, path)


def _mount_device(volume: Volume, path: str) -> None:
    """By mount(8) rather than mount(2): it knows the helpers of nfs, cifs and their like."""
    if is_mounted(path):
        return
    program = next((name for name in _PROGRAMS if os.access(name, os.X_OK)), "")
    if not program:
        raise StoreError(f"volume {volume.name} needs mount(8), which is not installed")
    options, words = volume.options, for_mount(volume.options)
    argv = [program]
    kind = options.get("type", "")
    if kind == "bind":  # no type that mount(8) knows
        words = ["bind", *words]
    elif kind:
        argv += ["-t", kind]
    if words:
        argv += ["-o", ",".join(words)]
    done = run([*argv, "--", options.get("device") or kind or "none", path])
    if done.code:
        said = done.stderr.decode(errors="replace").strip()
        raise StoreError(f"cannot mount volume {volume.name}: {said or f'exit code {done.code}'}")


def unmount(engine: Engine, volume: Volume, path: str) -> None:
    """Undo `mount`, lazily when busy; nothing mounted is no error."""
    while is_mounted(path):
        unmount_call(path, MNT_DETACH)
    if volume.layer:
        engine.layers.unmount(volume.layer)
