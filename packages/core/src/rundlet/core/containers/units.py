"""Sizes with units, as podman's flags take them."""

from __future__ import annotations

from ..errors import InvalidArgument

_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


def size(text: str) -> int:
    """Bytes of "10m", "1.5GiB", "4096"; -1 is passed through. Raises InvalidArgument."""
    low = text.strip().lower().removesuffix("ib")
    if low[-1:] == "b" and low[-2:-1] in _UNITS:
        low = low[:-1]
    unit = _UNITS.get(low[-1:], 0)
    try:
        return int(float(low[:-1]) * unit) if unit else int(low)
    except ValueError:
        raise InvalidArgument(f"invalid size: {text!r}", remedy='give a size like "10m"') from None
