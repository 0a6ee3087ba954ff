"""Values as Go's fmt shows them: `%v` and the other verbs of Printf (pkg.go.dev/fmt)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from .moments import Moment
from .units import go_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Map(dict[str, "Any"]):
    """A map of a user's own keys, where one that is missing is no error, as in a struct."""


class Struct(dict[str, "Any"]):
    """A struct whose JSON has other names than its fields, or leaves empty ones out.

    unseen: fields that JSON has not, with their values; those of another name have the key's.
    """

    def __init__(self, document: Mapping[str, Any], unseen: Mapping[str, Any]) -> None:
        super().__init__(document)
        self.unseen = unseen


class _NoValue:
    """What a map has for a key that is not there."""

    def __str__(self) -> str:
        return "<no value>"

    def __bool__(self) -> bool:
        return False


NO_VALUE = _NoValue()

_DIRECTIVE = re.compile(r"%([-+# 0]*)(\d*)(?:\.(\d*))?(.?)", re.DOTALL)
_INTEGERS = {"d": "d", "b": "b", "o": "o", "x": "x", "X": "X"}
_FLOATS = "eEfFgG"


class Duration(int):
    """A time.Duration: nanoseconds, shown as "1m30s"."""

    def __str__(self) -> str:
        return go_duration(self / 10**9)


class NilSlice(list[object]):
    """A slice that was never made: `[]`, and null in JSON."""


class NilMap(Map):
    """A map that was never made: `map[]`, and null in JSON."""


def type_name(value: Any) -> str:
    """Go's name of the type that a value stands for."""
    if value is None:
        return "<nil>"
    names = {bool: "bool", int: "int", float: "float64", str: "string", list: "[]string",
             NilSlice: "[]string", Moment: "time.Time",
             Duration: "time.Duration"}  # fmt: skip
    return names.get(type(value), "map[string]string" if isinstance(value, Mapping) else "struct")


def shown(value: Any) -> str:
    """How Go's fmt prints a value with %v."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _general(value, None, "g")
    if isinstance(value, Mapping):
        shown_ones = ((key, value[key]) for key in sorted(value) if not callable(value[key]))
        return "map[" + " ".join(f"{key}:{shown(one)}" for key, one in shown_ones) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(shown(item) for item in value) + "]"
    return str(value)


def printf(form: str, *values: Any) -> str:
    """Go's Sprintf; what does not fit is shown as Go shows it: %!d(string=x)."""
    left = list(values)

    def put(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if verb == "%":
            return "%"
        if not verb:
            return "%!(NOVERB)"
        if not left:
            return f"%!{verb}(MISSING)"
        places = None if precision is None else int(precision or 0)
        return _padded(_formatted(verb, flags, places, left.pop(0)), flags, int(width or 0))

    text = _DIRECTIVE.sub(put, form)
    if left:
        extra = ", ".join(f"{type_name(value)}={shown(value)}" for value in left)
        text += f"%!(EXTRA {extra})"
    return text


def _formatted(verb: str, flags: str, places: int | None, value: Any) -> str:
    if verb == "v" or (verb == "t" and isinstance(value, bool)):
        return shown(value)
    if verb == "T":
        return type_name(value)
    found = None
    if isinstance(value, int) and not isinstance(value, bool):
        found = _integer(verb, flags, value)
    if found is None and verb in _FLOATS and isinstance(value, float):
        found = ("+" if "+" in flags and value >= 0 else "") + _general(value, places, verb)
    if found is None and verb in "sqxX":
        if isinstance(value, (list, tuple)):
            return "[" + " ".join(_formatted(verb, flags, places, one) for one in value) + "]"
        if isinstance(value, str) or (verb == "s" and isinstance(value, Mapping)):
            found = _text(verb, shown(value)[:places])
    return f"%!{verb}({type_name(value)}={shown(value)})" if found is None else found


def _integer(verb: str, flags: str, value: int) -> str | None:
    """An integer by a verb of integers; None by another."""
    if verb in _INTEGERS:
        sign, base = "+" if "+" in flags else "", "#" if "#" in flags else ""
        return format(value, f"{sign}{base}{_INTEGERS[verb]}")
    if verb in "cU":
        return chr(value) if verb == "c" else f"U+{value:04X}"
    return None


def _text(verb: str, text: str) -> str:
    """A text by %s, %q, %x or %X."""
    if verb == "q":
        return json.dumps(text, ensure_ascii=False)
    if verb == "s":
        return text
    digits = text.encode().hex()
    return digits.upper() if verb == "X" else digits


def _general(value: float, places: int | None, verb: str) -> str:
    """A float; %g without a precision has the digits that it takes, exponents from 1e+06 on."""
    if verb not in "gG" or places is not None:
        return format(value, f".{6 if places is None else places}{verb}")
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return repr(value).removesuffix(".0")
    shortest = (format(value, f".{count}e") for count in range(17))
    return next((text for text in shortest if float(text) == value), str(value))


def _padded(text: str, flags: str, width: int) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and text[:1] in "+-":
        return text[:1] + text[1:].rjust(width - 1, "0")
    return text.rjust(width, "0" if "0" in flags else " ")


def printed(values: Sequence[Any]) -> str:
    """Go's Sprint: a space between two operands of which neither is a string."""
    text = ""
    for number, value in enumerate(values):
        before = values[number - 1] if number else ""
        space = number and not isinstance(value, str) and not isinstance(before, str)
        text += " " * bool(space) + shown(value)
    return text
