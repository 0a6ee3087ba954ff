"""Times in templates: Go's time.Time, as it prints, with the methods that templates call."""

from __future__ import annotations

import re
import time

from ..errors import InvalidArgument
from .times import NEVER, from_rfc3339, rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

_NEVER_SECONDS = -62135596800
"""Go's time that is not set, in seconds since the epoch."""


def stamp(nanoseconds: int) -> str:
    """A time as Go's Time.String() prints it: 2026-11-23 15:04:05.999999999 +0000 UTC."""
    if nanoseconds <= 0:
        return "0001-01-01 00:00:00 +0000 UTC"
    digits = f".{nanoseconds % 10**9:09}".rstrip("0").rstrip(".")
    moment = _local(nanoseconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}{digits} {moment:%z %Z}"


def _local(nanoseconds: int) -> datetime:
    from datetime import datetime

    return datetime.fromtimestamp(nanoseconds // 10**9).astimezone()


class Moment:
    """A time.Time. nanoseconds: since the epoch; 0 for one that is not set."""

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = max(nanoseconds, 0)

    def __str__(self) -> str:
        return stamp(self.nanoseconds)

    def __bool__(self) -> bool:
        return True  # a struct is never empty to Go's `if`

    @property
    def document(self) -> str:
        """As JSON has it."""
        return rfc3339(self.nanoseconds)

    def method(self, name: str, arguments: Sequence[Any]) -> Any:
        """What a method gives. Raises InvalidArgument for one that is not there."""
        if name == "Format" and len(arguments) == 1:
            return formatted(self.nanoseconds, str(arguments[0]))
        if name in ("Local", "UTC", "String") and not arguments:
            return stamp(self.nanoseconds) if name == "String" else self
        if name == "IsZero":
            return not self.nanoseconds
        seconds = self.nanoseconds // 10**9 if self.nanoseconds else _NEVER_SECONDS
        unix = {
            "Unix": seconds,
            "UnixMilli": self.nanoseconds // 10**6,
            "UnixMicro": self.nanoseconds // 1000,
            "UnixNano": self.nanoseconds,
            "Nanosecond": self.nanoseconds % 10**9,
        }
        if name in unix:
            return unix[name]
        parts = {"Year": "2006", "Month": "January", "Day": "2", "Hour": "15", "Minute": "4",
                 "Second": "5", "Weekday": "Monday"}  # fmt: skip
        if name not in parts:
            raise InvalidArgument(f"template: can't evaluate field {name} in type time.Time")
        text = formatted(self.nanoseconds, parts[name])
        return int(text) if text.isdecimal() else text


def moment(text: str) -> Moment:
    """Of a document's text. Raises ValueError."""
    return Moment(0 if text == NEVER else from_rfc3339(text))


_LAYOUT = {
    "2006": "%Y", "January": "%B", "Monday": "%A", "Jan": "%b", "Mon": "%a", "01": "%m",
    "02": "%d", "03": "%I", "04": "%M", "05": "%S", "06": "%y", "15": "%H", "MST": "%Z",
    "PM": "%p", "-0700": "%z", "_2": "%e", "1": "%-m", "2": "%-d", "3": "%-I", "4": "%-M",
    "5": "%-S",
}  # fmt: skip
"""Words of Go's layouts, each with strftime's."""
_WORD = re.compile(
    r"Z07:00|-07:00|[.,](?:0+|9+)(?!\d)|" + "|".join(map(re.escape, _LAYOUT)) + "|pm"
)


def formatted(nanoseconds: int, layout: str) -> str:
    """A local time by a layout of Go's, whose example is Mon Jan 2 15:04:05 MST 2006."""
    seconds = nanoseconds // 10**9 if nanoseconds else _NEVER_SECONDS
    parts = time.localtime(seconds) if nanoseconds else time.gmtime(seconds)
    offset = time.strftime("%z", parts)
    fraction = f"{nanoseconds % 10**9:09}"

    def put(match: re.Match[str]) -> str:
        word = match[0]
        if word in ("Z07:00", "-07:00"):
            utc = word == "Z07:00" and offset == "+0000"
            return "Z" if utc else f"{offset[:3]}:{offset[3:]}"
        if word[0] in ".,":
            digits = fraction[: len(word) - 1]
            digits = digits.rstrip("0") if word[1] == "9" else digits
            return f"{word[0]}{digits}" if digits else ""
        if word == "pm":
            return time.strftime("%p", parts).lower()
        return f"{parts.tm_year:04}" if word == "2006" else time.strftime(_LAYOUT[word], parts)

    return _WORD.sub(put, layout)
