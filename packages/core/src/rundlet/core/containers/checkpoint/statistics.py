"""CRIU's statistics of a checkpoint or a restore (criu.org/Statistics), as podman prints them."""

from __future__ import annotations

import time

from ...errors import Corrupt
from ...runtimes.shim.protobuf import VARINT, decode
from ...value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ...runtimes.shim.protobuf import Message

_MAGICS = 8  # bytes: two magic numbers, then the size of the one entry
_DUMP: Message = {
    "freezing_time": (1, VARINT),
    "frozen_time": (2, VARINT),
    "memdump_time": (3, VARINT),
    "memwrite_time": (4, VARINT),
    "pages_scanned": (5, VARINT),
    "pages_written": (7, VARINT),
}
_RESTORE: Message = {
    "pages_compared": (1, VARINT),
    "pages_skipped_cow": (2, VARINT),
    "forking_time": (3, VARINT),
    "restore_time": (4, VARINT),
    "pages_restored": (5, VARINT),
}
_STATISTICS: Message = {"dump": (1, _DUMP), "restore": (2, _RESTORE)}


class Statistics(Value):
    """Of one container. seconds: that the OCI runtime took. criu: its own, times in µs."""

    container: str
    seconds: float
    criu: Mapping[str, int] = EMPTY

    def document(self, doing: str) -> dict[str, Any]:
        """An element of podman's `container_statistics`. doing: "checkpoint" or "restore"."""
        return {
            "Id": self.container,
            f"runtime_{doing}_duration": int(self.seconds * 1e6),
            "criu_statistics": dict(self.criu),
        }


def read(path: str, container: str, began: float) -> Statistics:
    """The statistics in CRIU's file, empty where there is none; began: time.monotonic()."""
    seconds = time.monotonic() - began
    try:
        with open(path, "rb") as file:
            data = file.read()
        size = int.from_bytes(data[_MAGICS : _MAGICS + 4], "little")
        found = decode(_STATISTICS, data[_MAGICS + 4 : _MAGICS + 4 + size])
    except (FileNotFoundError, Corrupt):
        return Statistics(container, seconds)
    chosen = found["restore"] if "restore" in path.rpartition("/")[2] else found["dump"]
    return Statistics(container, seconds, chosen or {})
