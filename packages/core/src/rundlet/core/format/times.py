"""Moments as text, as Go writes and reads them (RFC 3339 with up to nine decimals)."""

from __future__ import annotations

import time

NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time."""


def rfc3339(nanoseconds: int) -> str:
    """A time since the epoch in UTC, without trailing zeros of the fraction; NEVER for 0."""
    if nanoseconds <= 0:
        return NEVER
    seconds, fraction = divmod(nanoseconds, 10**9)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    digits = f"{fraction:09}".rstrip("0")
    return f"{text}.{digits}Z" if digits else f"{text}Z"


def from_rfc3339(text: str) -> int:
    """Nanoseconds since the epoch; 0 for "" and Go's zero time. Raises ValueError."""
    if not text:
        return 0
    from _datetime import datetime  # the C code alone, without the same in Python

    head, dot, fraction = text.partition(".")
    digits = ""
    if dot:  # Python takes 6 decimals, Go writes up to 9
        digits = fraction.rstrip("Zz").partition("+")[0].partition("-")[0]
        text = f"{head}{fraction[len(digits) :]}"
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.year < 1970:
        return 0
    return int(moment.timestamp()) * 10**9 + int(f"{digits[:9]:0<9}")
