"""JSON that comes from outside: taken apart strictly, what is wrong is Corrupt."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, TypeVar

from ...errors import Corrupt

if TYPE_CHECKING:
    from typing import Any

T = TypeVar("T")


def document(data: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object without a key that is there twice."""
    try:
        found = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{what}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Corrupt(f"{what}: not an object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def field(value: Any, path: str, kind: type[T], what: str) -> T:
    """What is at `a.b.c` in an object, of this kind."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            raise Corrupt(f"{what}: {path} is missing")
        value = value[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise Corrupt(f"{what}: {path} is not of type {kind.__name__}")
    return value


def number(value: Any, path: str, what: str) -> int:
    """A whole number, which protobuf's JSON writes as text too (ProtoJSON, int64)."""
    holder, _, name = path.rpartition(".")
    inner = field(value, holder, dict, what) if holder else value
    found = inner.get(name) if isinstance(inner, dict) else None
    if isinstance(found, str) and found.isascii() and found.isdecimal():
        return int(found)
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        return found
    raise Corrupt(f"{what}: {path} is no number")


def binary(value: Any, path: str, what: str) -> bytes:
    """Bytes in base64."""
    return decoded(field(value, path, str, what), f"{what}: {path}")


def decoded(text: str, what: str) -> bytes:
    """Bytes of base64 text."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Corrupt(f"{what} is not base64") from None
