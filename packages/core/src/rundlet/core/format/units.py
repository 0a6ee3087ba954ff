"""Sizes and durations for people, in podman's words (docker/go-units)."""

from __future__ import annotations

from ..errors import InvalidArgument

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_POWERS = {"b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def size(count: float, digits: int = 3) -> str:
    """Bytes in decimal units with so many significant digits: "2.13 MB" (podman images)."""
    return _scaled(count, 1000.0, _DECIMAL, digits)


def binary_size(count: float) -> str:
    """Bytes in binary units: "15.99MiB" (podman stats)."""
    return _scaled(count, 1024.0, _BINARY, 4).replace(" ", "")


def _scaled(count: float, base: float, units: tuple[str, ...], digits: int) -> str:
    number, unit = float(count), 0
    while number >= base and unit < len(units) - 1:
        number /= base
        unit += 1
    return f"{number:.{digits}g} {units[unit]}"


def parse_size(text: str, base: int = 1024) -> int:
    """Bytes of "64m", "1.5GiB", "1024" (multiples of `base`); -1 is passed through.

    Raises InvalidArgument.
    """
    word = text.strip().lower().removesuffix("ib")
    if word[-1:] == "b" and word[-2:-1] in _POWERS:
        word = word[:-1]
    power = _POWERS.get(word[-1:])
    factor = 0 if power is None else base**power
    try:
        found = int(float(word[:-1]) * factor) if factor else int(word)
    except (ValueError, OverflowError):
        raise InvalidArgument(f"invalid size: '{text}'") from None
    if not -1 <= found < 2**63:  # what runtimes read
        raise InvalidArgument(f"invalid size: '{text}'")
    return found


def duration(seconds: float) -> str:
    """How long, roughly: "About a minute", "3 weeks" (go-units HumanDuration)."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    minutes = whole // 60
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    hours = int(seconds / 3600 + 0.5)
    if hours == 1:
        return "About an hour"
    if hours < 48:
        return f"{hours} hours"
    days = hours // 24
    if hours < 24 * 7 * 2:
        return f"{days} days"
    if hours < 24 * 30 * 2:
        return f"{days // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{days // 30} months"
    return f"{hours // 24 // 365} years"


def ago(then: int, now: int) -> str:
    """ "2 minutes ago" for two times in nanoseconds."""
    return f"{duration((now - then) / 1e9)} ago"


def go_duration(seconds: float) -> str:
    """A duration as Go prints it ("1h2m3.5s", "20ms", "0s"), to the microsecond."""
    micro = round(abs(seconds) * 1_000_000)
    sign = "-" if seconds < 0 and micro else ""
    if micro == 0:
        return "0s"
    if micro < 1000:
        return f"{sign}{micro}µs"
    if micro < 1_000_000:
        return f"{sign}{_decimal(micro, 1000)}ms"
    minutes, micro = divmod(micro, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(micro, 1_000_000)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(value: int, unit: int) -> str:
    whole, part = divmod(value, unit)
    digits = f"{part:0{len(str(unit)) - 1}}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
