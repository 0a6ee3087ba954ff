"""Removing directories of ours, where containers keep what is theirs."""

from __future__ import annotations

import os


def remove_tree(path: str) -> None:
    """Remove a directory and all in it; nothing happens when it is not there.

    Directories here hold files, sockets and fifos of ours: never mounts.
    """
    try:
        entries = list(os.scandir(path))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            unlink(entry.path)
    os.rmdir(path)


def unlink(path: str) -> None:
    """Remove a file; nothing happens when it is not there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
