"""What a template may call: Go's builtins, and what podman adds (containers/common pkg/report)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ..errors import InvalidArgument
from .go import NO_VALUE, Map, NilMap, NilSlice, printed, printf, shown, type_name
from .moments import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


def call(name: str, arguments: Sequence[Any]) -> Any:
    """Call a function by name. Raises InvalidArgument: not there, or not with these arguments."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise InvalidArgument(f'template: function "{name}" not defined')
    try:
        return function(*arguments)
    except InvalidArgument:
        raise
    except TypeError as error:
        shape = re.search(r"(missing \d+ required|takes (from )?\d+)", str(error))
        why = f"{len(arguments)} are the wrong number of arguments" if shape else _unfit(arguments)
        raise InvalidArgument(f"template: error calling {name}: {why}") from None
    except (ValueError, LookupError, AttributeError):
        raise InvalidArgument(f"template: error calling {name}: {_unfit(arguments)}") from None


def _unfit(arguments: Sequence[Any]) -> str:
    kinds = ", ".join(f"{shown(one)} ({type_name(one)})" for one in arguments)
    return f"can't be done with {kinds}"


def as_json(value: Any) -> str:
    """One line of JSON, as Go's encoding/json writes it. Methods of a struct are no part of it."""
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Moment):
        return value.document
    if value is NO_VALUE or isinstance(value, (NilMap, NilSlice)):
        return None
    if isinstance(value, Mapping):
        pairs = sorted(value.items()) if isinstance(value, Map) else value.items()
        return {key: _plain(one) for key, one in pairs if not callable(one)}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _len(value: Any) -> int:
    if isinstance(value, (str, Mapping, list, tuple)):
        return len(value.encode()) if isinstance(value, str) else len(value)
    raise InvalidArgument(f"template: error calling len: len of type {type_name(value)}")


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, str):
            value = value.encode()[key]
        else:
            value = value.get(key, "") if isinstance(value, Mapping) else value[key]
    return value


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    return value[start:end]


def _join(values: Any, separator: str) -> str:
    if isinstance(values, str):  # Go's strings.Join has the list first, some tools last
        values, separator = separator, values
    return separator.join(shown(item) for item in values)


def _truncate(text: str, length: int) -> str:
    return text[:length] if length >= 0 else text


def _title(text: str) -> str:
    return re.sub(r"(?<![\w'])\w", lambda match: match[0].upper(), text)


def _equal(first: Any, *others: Any) -> bool:
    if not others:
        raise InvalidArgument("template: error calling eq: missing argument for comparison")
    for other in others:
        if None not in (first, other) and type_name(first) != type_name(other):
            raise InvalidArgument("template: error calling eq: incompatible types for comparison")
    return first in others


def _html(text: Any) -> str:
    from html import escape

    return escape(shown(text), quote=False).replace('"', "&#34;").replace("'", "&#39;")


def _js(text: Any) -> str:
    special = {"\\": "\\\\", "'": "\\'", '"': '\\"'}
    escaped = re.sub(r"[\\'\"]", lambda match: special[match[0]], shown(text))
    return re.sub(r"[<>&=\x00-\x1f]", lambda match: f"\\u{ord(match[0]):04X}", escaped)


def _urlquery(text: Any) -> str:
    from urllib.parse import quote_plus

    return quote_plus(shown(text))


def _call(function: Any, *arguments: Any) -> Any:
    if not callable(function):
        raise InvalidArgument(f"template: error calling call: {type_name(function)} no function")
    return function(*arguments)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "json": as_json,
    "len": _len,
    "index": _index,
    "slice": _slice,
    "printf": printf,
    "print": lambda *values: printed(values),
    "println": lambda *values: " ".join(shown(value) for value in values) + "\n",
    "join": _join,
    "split": lambda text, separator: text.split(separator) if separator else list(text),
    "lower": lambda text: str(text).lower(),
    "upper": lambda text: str(text).upper(),
    "title": _title,
    "pad": lambda text, before, after: " " * before + text + " " * after if text else "",
    "truncate": _truncate,
    "eq": _equal,
    "ne": lambda first, second: not _equal(first, second),
    "lt": lambda first, second: first < second,
    "le": lambda first, second: first <= second,
    "gt": lambda first, second: first > second,
    "ge": lambda first, second: first >= second,
    "not": lambda value: not value,
    "call": _call,
    "html": _html,
    "js": _js,
    "urlquery": _urlquery,
}
"""`and` and `or` are not among them: the template itself stops at the first that decides."""
