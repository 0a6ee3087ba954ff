"""Removing directories of ours, where containers keep what is theirs."""

from __future__ import annotations

import errno
import os

_ROUNDS = 100


def remove_tree(path: str) -> None:
    """Remove a directory and all in it; nothing happens when it is not there.

    Directories here hold files, sockets and fifos of ours: never mounts. A monitor that is about
    to end may add its last ones meanwhile.
    """
    for attempt in range(1, _ROUNDS + 1):
        try:
            entries = list(os.scandir(path))
        except FileNotFoundError:
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                remove_tree(entry.path)
            else:
                unlink(entry.path)
        try:
            os.rmdir(path)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or attempt == _ROUNDS:
                raise


def unlink(path: str) -> None:
    """Remove a file; nothing happens when it is not there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
