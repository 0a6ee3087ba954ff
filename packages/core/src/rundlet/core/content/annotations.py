"""Annotations of layers that say how their bytes are laid out."""

from __future__ import annotations

PREFIX = "io.github.containers.zstd-chunked."
CHECKSUM = f"{PREFIX}manifest-checksum"
"""Digest of the (compressed) table of contents."""
POSITION = f"{PREFIX}manifest-position"
"""Its offset, length, length when unpacked, and kind, with colons between."""
OF_BYTES = (PREFIX, "io.containers.zstd-chunked.")
"""Prefixes (now and before 2022) of what is only true of the very bytes of a layer."""
