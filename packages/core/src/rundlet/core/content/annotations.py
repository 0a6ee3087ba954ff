"""Annotations of layers that say how their bytes are laid out."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "io.github.containers.zstd-chunked."
CHECKSUM = f"{PREFIX}manifest-checksum"
"""Digest of the (compressed) table of contents."""
POSITION = f"{PREFIX}manifest-position"
"""Its offset, length, length when unpacked, and kind, with colons between."""
OF_BYTES = (PREFIX, "io.containers.zstd-chunked.")
"""Prefixes (now and before 2022) of what is only true of the very bytes of a layer."""


def table_of_contents(annotations: Mapping[str, str]) -> tuple[str, str]:
    """Position and checksum of a layer's table of contents, as it says; "" for none."""
    for prefix in OF_BYTES:
        checksum = annotations.get(f"{prefix}manifest-checksum", "")
        if checksum:
            return annotations.get(f"{prefix}manifest-position", ""), checksum
    return "", ""
