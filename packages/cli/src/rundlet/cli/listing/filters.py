"""`--filter KEY=VALUE` of lists: taken apart, and values that several lists know."""

from __future__ import annotations

import json
import re
import time

from rundlet.core.commands.values import duration
from rundlet.core.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def split(filters: Iterable[str]) -> dict[str, list[str]]:
    """ "key=value" by key. Raises InvalidArgument for one without "=": podman's words."""
    found: dict[str, list[str]] = {}
    for text in filters:
        key, equals, value = text.partition("=")
        if key.endswith("!"):
            key = key[:-1] + "!"
        if not equals:
            raise InvalidArgument(f"invalid filter {text!r}: must be in the format of filter=value")
        found.setdefault(key, []).append(value)
    return found


def expression(value: str) -> re.Pattern[str]:
    """A regular expression of a filter. Raises InvalidArgument."""
    try:
        return re.compile(value)
    except re.error as error:
        raise InvalidArgument(f"invalid regular expression {value!r}: {error}") from None


def boolean(text: str) -> bool:
    """What strconv.ParseBool reads. Raises InvalidArgument."""
    if text.lower() in ("1", "t", "true"):
        return True
    if text.lower() in ("0", "f", "false"):
        return False
    raise InvalidArgument(f"non-boolean value {text!r} in a filter")


def moment(text: str, *, ahead: bool = False) -> int:
    """Nanoseconds since the epoch of a time, or of how long ago (or `ahead`).

    A plain number is seconds since the epoch, 0 too: `prune --filter until=0` removes nothing.
    Raises InvalidArgument.
    """
    from datetime import datetime

    if text.replace(".", "", 1).isdecimal():
        return int(float(text) * 1e9)
    try:
        distance = int(duration(text) * 1e9)
        return time.time_ns() + (distance if ahead else -distance)
    except ValueError:
        pass
    try:
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1e9)
    except ValueError:
        raise InvalidArgument(f"invalid time {text!r}", remedy="Give 10m, or RFC 3339.") from None


def has_label(labels: str, wanted: str) -> bool:
    """Whether labels (JSON text) have "key" or "key=value"."""
    key, equals, value = wanted.partition("=")
    found = json.loads(labels)
    return key in found and (not equals or found[key] == value)
