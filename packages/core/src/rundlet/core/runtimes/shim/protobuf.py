"""Protocol Buffers on the wire, as far as shims need them (protobuf.dev, "Encoding").

A message is a plain dict; its declaration says the number and kind of each field:

    KILL = {"id": (1, STRING), "signal": (3, VARINT), "all": (4, VARINT)}

Field values that are the default (0, "", b"", False, None) are not sent, as proto3 has it,
and `decode` gives the default for what did not come; unknown fields are skipped. The library
`protobuf` would be a dependency of every tool, and more to import than a whole verb.
"""

from __future__ import annotations

from ...errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Message = dict[str, tuple[int, Any]]

VARINT = "varint"
"""uint32, uint64, int64 and bool; negative numbers take ten bytes, as int64 does."""
STRING = "string"
BYTES = "bytes"
STRINGS = "strings"
"""map<string, string>."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_PAIR: Message = {"key": (1, STRING), "value": (2, STRING)}
_MASK = (1 << 64) - 1


def encode(message: Message, values: Mapping[str, Any]) -> bytes:
    """The bytes of a message. A kind that is a dict is a message inside; [dict] a repeated one."""
    out = bytearray()
    for name, value in values.items():
        number, kind = message[name]
        if value:
            _field(out, number, kind, value)
    return bytes(out)


def _field(out: bytearray, number: int, kind: Any, value: Any) -> None:
    if kind == VARINT:
        out += _varint(number << 3 | _VARINT) + _varint(int(value))
    elif kind == STRINGS:
        for key, text in value.items():
            _length(out, number, encode(_PAIR, {"key": key, "value": text}))
    elif isinstance(kind, list):
        for one in value:
            _length(out, number, encode(kind[0], one))
    elif isinstance(kind, dict):
        _length(out, number, encode(kind, value))
    else:
        _length(out, number, value.encode() if kind == STRING else value)


def _length(out: bytearray, number: int, data: bytes) -> None:
    out += _varint(number << 3 | _LENGTH) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    value &= _MASK
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode(message: Message, data: bytes) -> dict[str, Any]:
    """The values of a message, every declared field among them. Raises Corrupt."""
    values = {name: _default(kind) for name, (_, kind) in message.items()}
    names = {number: name for name, (number, _) in message.items()}
    for number, value in _fields(data):
        if number not in names:
            continue
        name = names[number]
        kind = message[name][1]
        if isinstance(value, int) != (kind == VARINT):
            raise Corrupt(f"protobuf: field {name} has the wrong type")
        _take(values, name, kind, value)
    return values


def _default(kind: Any) -> Any:
    if isinstance(kind, list):
        return []
    if isinstance(kind, dict):
        return {}
    return {VARINT: 0, STRING: "", BYTES: b"", STRINGS: {}}[kind]


def _take(values: dict[str, Any], name: str, kind: Any, value: Any) -> None:
    if kind in (VARINT, BYTES):
        values[name] = value
    elif kind == STRING:
        values[name] = value.decode(errors="replace")
    elif kind == STRINGS:
        pair = decode(_PAIR, value)
        values[name] = {**values[name], pair["key"]: pair["value"]}
    elif isinstance(kind, list):
        values[name] = [*values[name], decode(kind[0], value)]
    else:
        values[name] = decode(kind, value)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field: an int, or the bytes of one with a length."""
    place = 0
    while place < len(data):
        tag, place = _read_varint(data, place)
        wire = tag & 7
        if wire == _VARINT:
            value, place = _read_varint(data, place)
            yield tag >> 3, value
            continue
        if wire == _LENGTH:
            size, place = _read_varint(data, place)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise Corrupt(f"protobuf: wire type {wire} is not known")
        if place + size > len(data):
            raise Corrupt("protobuf: a field is longer than its message")
        if wire == _LENGTH:
            yield tag >> 3, data[place : place + size]
        place += size


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK, place
        shift += 7
    raise Corrupt("protobuf: a number does not end")
