"""JSON without Python's `json`, which imports re and enum for it: 3 ms less for each verb.

The work is done by the same C code (`_json`), with the same answers and errors. What is more
than plain reading and compact writing (indents, hooks) is left to Python's module.
"""

from __future__ import annotations

from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

_SPACE = " \t\n\r"  # RFC 8259, section 2
_CONSTANTS = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}
# How the bytes of other encodings than UTF-8 begin, and of UTF-8 with a mark: see json.loads.
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class _Reading:
    """What the C scanner wants to know."""

    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = _CONSTANTS.__getitem__

    def __init__(self, strict: bool) -> None:
        self.strict = strict


_scan = make_scanner(_Reading(strict=True))  # type: ignore[arg-type]  # a JSONDecoder, by duck


def loads(text: str | bytes, *, strict: bool = True) -> Any:
    """Read a document. Raises json.JSONDecodeError, a ValueError.

    strict: False lets control characters stand in strings.
    """
    if isinstance(text, bytes):
        if text.startswith(_MARKS) or 0 in text[:4]:
            return _python_loads(text, strict)
        text = text.decode("utf-8", "surrogatepass")
    begin = len(text) - len(text.lstrip(_SPACE))
    scan = _scan if strict else make_scanner(_Reading(strict))  # type: ignore[arg-type]  # as above
    try:
        value, end = scan(text, begin)
    except (StopIteration, SystemError):
        # Python's module raises the error. (Python 3.11's C code cannot say which one it is, as
        # in a string without an end, before that module is imported.)
        return _python_loads(text, strict)
    if text[end:].strip(_SPACE) or text.startswith("\ufeff"):
        return _python_loads(text, strict)
    return value


def load(file: IO[str] | IO[bytes]) -> Any:
    """Read a document from an open file. Raises json.JSONDecodeError, a ValueError."""
    return loads(file.read())


def _refuse(value: object) -> object:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def dumps(
    value: object,
    *,
    separators: tuple[str, str] = (", ", ": "),
    sort_keys: bool = False,
    ensure_ascii: bool = True,
    default: Callable[[Any], object] = _refuse,
) -> str:
    """Write a document on one line. default: makes of other values what JSON has a form for.

    Raises TypeError where there is none.
    """
    encode = encode_basestring_ascii if ensure_ascii else encode_basestring
    if isinstance(value, str):
        return encode(value)
    item, key = separators
    encoder = make_encoder({}, default, encode, None, key, item, sort_keys, False, True)
    return "".join(encoder(value, 0))


def dump(value: object, file: IO[str]) -> None:
    """Write a document on one line into an open file."""
    file.write(dumps(value))


def _python_loads(text: str | bytes, strict: bool) -> Any:
    import json

    return json.loads(text, strict=strict)
