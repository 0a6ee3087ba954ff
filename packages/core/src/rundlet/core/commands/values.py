"""Values of options that are rare, as Go reads and refuses them: floats, durations, templates."""

from __future__ import annotations

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "\u00b5s": 1e-6,
    "\u03bcs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}


def of_kind(kind: str, text: str) -> object:
    """The value of a text; kind: float, duration or template. Raises ValueError in Go's words."""
    if kind == "float":
        return _float(text)
    if kind == "duration":
        try:
            return duration(text)
        except ValueError:
            raise ValueError(f'time: invalid duration "{text}"') from None
    return _template(text)


def _template(text: str) -> str:
    """A Go template; each of podman's spellings of "as JSON" is "json" (common's report)."""
    compact = "".join(text.split())
    return "json" if compact in ("json", "{{json.}}", "{{json}}") else text


def _float(text: str) -> float:
    try:
        if "_" in text or text.strip() != text:  # Python's own liberties
            raise ValueError
        return float(text)
    except ValueError:
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": invalid syntax') from None


def duration(text: str) -> float:
    """Seconds of a Go duration ("1h5m", "300ms") or of a plain number. Raises ValueError."""
    sign, rest = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if _is_decimal(rest):
        return sign * float(rest)
    total = 0.0
    while rest:
        end = 0
        while end < len(rest) and rest[end] in "0123456789.":
            end += 1
        number, rest = rest[:end], rest[end:]
        end = 0
        while end < len(rest) and rest[end] not in "0123456789.":
            end += 1
        unit, rest = rest[:end], rest[end:]
        if unit not in _UNITS or not _is_decimal(number):
            raise ValueError(text)
        total += float(number) * _UNITS[unit]
    if not text.strip("+-"):
        raise ValueError(text)
    return sign * total


def _is_decimal(text: str) -> bool:
    """Digits with at most one point among them, as Go's durations have."""
    digits = text.replace(".", "", 1)
    return digits.isascii() and digits.isdecimal()
