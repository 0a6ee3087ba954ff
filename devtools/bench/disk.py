"""The file system that the bench works on: a fresh one of its own, or the machine's.

On an ext4 without a journal every file that is made passes over the inodes that were freed in
the last minutes, one by one (fs/ext4/ialloc.c, recently_deleted), so what ran on the machine
before is measured too. A fresh ext4 in a sparse image knows of none. It is mounted in a mount
namespace of this process, and the image has no name: both end with the processes that use them,
however those end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rundlet.core.linux import syscalls

SIZE = 32 * 2**30
"""Bytes of the image; on the disk it takes what is written."""
_MKFS = ("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0")
"""All is done before the first sample: the kernel does the rest later, while something is timed."""


@contextmanager
def scratch(parent: Path, *, fresh: bool) -> Iterator[Path]:
    """A new directory below `parent`, removed afterwards.

    fresh: on a file system of its own, if that can be made; says so on stderr where it cannot.
    """
    directory = Path(tempfile.mkdtemp(prefix="rundlet-bench-", dir=parent.resolve()))
    mounted = False
    try:
        if fresh:
            try:
                _mount(directory)
                mounted = True
            except (OSError, subprocess.CalledProcessError) as error:
                _say(f"no file system of our own ({_reason(error)})")
                _say(f"measuring on {parent}, and what has run on that disk before with it")
        yield directory
    finally:
        if mounted:
            syscalls.unmount(str(directory), syscalls.MNT_DETACH)
        shutil.rmtree(directory, ignore_errors=True)


def _mount(directory: Path) -> None:
    """Take this process to a mount namespace of its own, with a fresh ext4 at `directory`."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    image = directory.with_suffix(".img")
    try:
        with image.open("xb") as file:
            os.truncate(file.fileno(), SIZE)
        _run(*_MKFS, str(image))
        # Direct: else the machine's page cache has all a second time, and writes it when it likes.
        loop = _run("losetup", "--find", "--show", "--direct-io=on", str(image))
        try:
            _run("mount", "-t", "ext4", loop, str(directory))
        finally:
            _run("losetup", "--detach", loop)  # when it is not mounted any more
    finally:
        image.unlink(missing_ok=True)


def _run(*command: str) -> str:
    done = subprocess.run(
        command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    return done.stdout.strip()


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{error.cmd[0]}: {error.stderr.strip()}"
    return str(error)


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
