"""seccomp filters that crun has compiled, kept for the next container with the same profile.

libseccomp takes 12 ms to compile the default profile, more than all else that crun does to
create a container. crun leaves what it made in its state directory, and takes a filter that
is made already from an annotation (crun(1)); so each profile is compiled once per boot, and
what a container gets is what crun itself has made of its profile.
"""

from __future__ import annotations

import os

from .. import json
from ..linux.processes import partial_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ANNOTATION = "run.oci.seccomp_bpf_data"
_MOST = 64  # profiles; a node has two or three
_LONGEST = 32768  # bytes: BPF_MAXINSNS of eight bytes (linux/bpf_common.h)


class Filters:
    """The filters below a directory, made by one binary. All of it is best effort."""

    def __init__(self, directory: str, binary: str) -> None:
        self._directory = directory
        self._binary = binary

    def find(self, seccomp: Mapping[str, Any]) -> str:
        """The filter of an OCI `linux.seccomp` object in base64; "" when none is kept."""
        key = self._key(seccomp)
        try:
            with open(self._path(key), encoding="utf-8") as file:
                # Whole, not only its checksum: another profile's filter is no filter.
                if file.readline().rstrip("\n") != key:
                    return ""
                return file.read()
        except (OSError, UnicodeDecodeError):
            return ""

    def keep(self, seccomp: Mapping[str, Any], compiled: str) -> None:
        """Keep what crun has compiled, the file `compiled`."""
        from binascii import b2a_base64

        key = self._key(seccomp)
        path = self._path(key)
        temporary = partial_name(path)
        try:
            with open(compiled, "rb") as file:
                program = file.read(_LONGEST + 1)
            if not program or len(program) > _LONGEST or len(program) % 8:
                return
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
            if len(os.listdir(self._directory)) >= _MOST:
                return
            with open(temporary, "w", encoding="utf-8") as out:
                out.write(f"{key}\n{b2a_base64(program, newline=False).decode()}")
            os.rename(temporary, path)
        except OSError:
            return

    def _key(self, seccomp: Mapping[str, Any]) -> str:
        """Everything that the filter depends on: the profile and who compiles it."""
        found = os.stat(self._binary)
        binary = [self._binary, found.st_mtime_ns, found.st_size, found.st_ino]
        return json.dumps([binary, seccomp], separators=(",", ":"))

    def _path(self, key: str) -> str:
        mark = int.from_bytes(key.encode(), "big") % (2**61 - 1)  # a hash without an import
        return f"{self._directory}/{mark:x}"
