"""Signals by name and number."""

from __future__ import annotations

from ..errors import InvalidArgument


def number(name: str) -> int:
    """The number of a signal ("TERM", "SIGTERM", "15", "RTMIN+3"). Raises InvalidArgument."""
    import signal

    text = name.strip().upper()
    if text.isdecimal():
        found = int(text)
        if 0 < found <= int(signal.SIGRTMAX):
            return found
        raise InvalidArgument(f"invalid signal: {name}")
    short = text.removeprefix("SIG")
    base, sign, offset = short.partition("+" if "+" in short else "-")
    try:
        found = int(signal.Signals[f"SIG{base}"])
        moved = int(f"{sign}{offset}") if sign else 0
    except (KeyError, ValueError):
        raise InvalidArgument(f"invalid signal: {name}") from None
    if moved and base not in ("RTMIN", "RTMAX"):
        raise InvalidArgument(f"invalid signal: {name}")
    return found + moved
