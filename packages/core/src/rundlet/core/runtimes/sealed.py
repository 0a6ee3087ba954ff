"""A copy of a binary in memory that nobody can change, to start crun from.

A container may reach the binary of its runtime by /proc/PID/exe, and must not be able to write
to it (CVE-2019-5736). So crun begins by mounting itself read-only, unmounting that and starting
itself again from there (src/libcrun/cloned_binary.c): half of the time of a call, and a lock on
all mounts of the machine meanwhile. Started from a memfd with every seal, it has nothing to do.
"""

from __future__ import annotations

import fcntl
import os
from _thread import allocate_lock

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_ELF = b"\x7fELF"  # elf(5); a script would not know where it is

_lock = allocate_lock()
_copies: dict[str, tuple[tuple[int, ...], int]] = {}  # of a binary: what it was, its copy


def sealed(binary: str) -> str:
    """The path of a copy, for programs that are started while this process lives.

    `binary` itself where no copy can be made. One of each is kept, and made anew when the
    binary has changed.
    """
    try:
        descriptor = _descriptor(binary)
    except OSError:
        return binary
    return binary if descriptor < 0 else f"/proc/{os.getpid()}/fd/{descriptor}"


def _descriptor(binary: str) -> int:
    """Of the copy; -1: this is no program of its own. Raises OSError."""
    with _lock:
        found = os.stat(binary)
        key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        kept = _copies.get(binary)
        if kept is None or kept[0] != key:
            # An old copy stays open: somebody may be about to start it.
            kept = _copies[binary] = (key, _copy(binary))
        return kept[1]


def _copy(binary: str) -> int:
    with open(binary, "rb", buffering=0) as source:
        if source.read(len(_ELF)) != _ELF:
            return -1
        source.seek(0)
        copy = os.memfd_create(os.path.basename(binary), os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            while os.sendfile(copy, source.fileno(), None, 1 << 30):
                pass
            fcntl.fcntl(copy, fcntl.F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(copy)
            raise
    return copy
