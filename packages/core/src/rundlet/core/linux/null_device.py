"""The machine's /dev/null stays root's.

An OCI runtime gives a container's user the files that are its standard streams. Monitors and
runtimes open /dev/null for those that nobody wants, and crun (1.8) gives that away too: a user of
the container, or the user of the machine with its number, could then take it from all others.
"""

from __future__ import annotations

import os
import stat

_PATH = "/dev/null"
_MODE = 0o666


def restore() -> None:
    """Give it back, after a runtime has made a process. What is not ours to change stays."""
    try:
        found = os.stat(_PATH)
        if (found.st_uid, found.st_gid) == (0, 0):
            return
        os.chown(_PATH, 0, 0)
        if stat.S_IMODE(found.st_mode) != _MODE:
            os.chmod(_PATH, _MODE)
    except OSError:
        return  # in a user namespace, say, which has been given the device
