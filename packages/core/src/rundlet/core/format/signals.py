"""Signals by name and number."""

from __future__ import annotations

import _signal  # the module signal makes enums of them, for 1.5 ms

from ..errors import InvalidArgument

_NUMBERS: dict[str, int] = {
    name.removeprefix("SIG"): found
    for name, found in vars(_signal).items()
    if name.startswith("SIG") and not name.startswith("SIG_")
}


def name(number: int) -> str:
    """ "SIGTERM" of 15; a real-time signal is "SIGRTMIN+1" or the like."""
    known = next((word for word, found in _NUMBERS.items() if found == number), "")
    return f"SIG{known or f'RTMIN+{number - _signal.SIGRTMIN}'}"


def number(name: str) -> int:
    """The number of a signal ("TERM", "-SIGTERM", "15", "RTMIN+3"). Raises InvalidArgument."""
    name = name.removeprefix("-")
    text = name.strip().upper()
    if text.isdecimal() and int(text):
        if int(text) <= _signal.SIGRTMAX:
            return int(text)
        raise InvalidArgument(f"valid signals are 1 through {_signal.SIGRTMAX:d}")
    short = text.removeprefix("SIG")
    base, sign, offset = short.partition("+" if "+" in short else "-")
    try:
        found = _NUMBERS[base]
        moved = int(f"{sign}{offset}") if sign else 0
    except (KeyError, ValueError):
        raise InvalidArgument(f"invalid signal: {name}") from None
    if moved and base not in ("RTMIN", "RTMAX"):
        raise InvalidArgument(f"invalid signal: {name}")
    return found + moved
