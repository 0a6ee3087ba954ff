"""The table of mounts: names that the kernel writes as numbers, and all below a directory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = r"""
import errno, os, sys
from rundlet.core.archive.remove import remove_tree
from rundlet.core.linux import mounts, syscalls
from rundlet.core.storage import staging
from rundlet.core.storage.overlay_probe import file_system

top = sys.argv[1]
names = ("with space", "caf\u00e9", "back\\slash", "\\040", os.fsdecode(b"\xff"))
syscalls.mount("none", top, "tmpfs")
for name in names:
    os.mkdir(f"{top}/{name}")
    syscalls.mount("none", f"{top}/{name}", "ramfs")
    assert file_system(f"{top}/{name}") == "ramfs", name

def below():
    return [mount.kind for mount in mounts.mounts() if mount.point.startswith(top)]

assert below() == ["tmpfs", *["ramfs"] * len(names)]
mounts.detach_below(top, itself=False)
assert below() == ["tmpfs"]
mounts.detach_below(top, itself=True)
assert below() == []

os.makedirs(f"{top}/tree/bound")
os.mkdir(f"{top}/kept")
open(f"{top}/kept/file", "w").close()
syscalls.mount(f"{top}/kept", f"{top}/tree/bound", flags=syscalls.MS_BIND)
assert not os.path.ismount(f"{top}/tree/bound"), "it tells nothing of these"
assert mounts.is_mounted(f"{top}/tree/bound") and not mounts.is_mounted(f"{top}/tree")
try:
    remove_tree(b"tree", os.open(top, os.O_RDONLY))
except OSError as error:
    assert error.errno == errno.EBUSY, error
else:
    raise AssertionError("removed")
assert os.listdir(f"{top}/kept") == ["file"]
staging.delete(f"{top}/tree")
assert os.listdir(top) == ["kept"] and os.listdir(f"{top}/kept") == ["file"]
"""


def test_mounts_are_found_and_detached_whatever_they_are_called(tmp_path: Path) -> None:
    """In a namespace of their own. (A name that is not ASCII was read wrong: its mount stayed.)

    And what is bound in a tree that is removed keeps its content.
    """
    words = ["unshare", "--mount", sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
