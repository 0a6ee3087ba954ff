"""Writing YAML 1.2 as Go's tools do: keys sorted, plain where a reader takes it for text."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What a YAML 1.1 or 1.2 reader would not take for text, when it stands plain.
_NO_TEXT = re.compile(
    r"~|null|true|false|yes|no|on|off|y|n|\.nan|[-+]?\.inf|=|<<"
    r"|[-+]?(\d[\d_]*\.?[\d_]*|\.[\d_]+)([eE][-+]?\d+)?|0[xob][\da-fA-F_]+"
    r"|[-+]?\d+(:[0-5]?\d)+(\.\d*)?|\d{4}-\d\d?-\d\d?([Tt ].*)?",
    re.IGNORECASE,
)
_INDICATORS = "-?:,[]{}#&*!|>'\"%@`"


def dump(value: Any) -> str:
    """A document of dicts, lists, text, numbers, booleans and None. Ends with a line feed."""
    lines = _block(value, "")
    return "\n".join(lines) + "\n" if lines else f"{_scalar(value, '')}\n"


def _block(value: Any, indent: str) -> list[str]:
    """The lines of a mapping or sequence; [] for one that is empty, and for a scalar."""
    if isinstance(value, dict):
        return [line for key in sorted(value) for line in _entry(key, value[key], indent)]
    if isinstance(value, (list, tuple)):
        return [line for item in value for line in _item(item, indent)]
    return []


def _entry(key: str, value: Any, indent: str) -> list[str]:
    name = f"{indent}{_scalar(key, '')}:"
    # A sequence stands below its key without being indented, as Go's YAML writes it.
    inner = _block(value, indent if isinstance(value, (list, tuple)) else indent + "  ")
    return [name, *inner] if inner else [f"{name} {_scalar(value, indent + '  ')}"]


def _item(value: Any, indent: str) -> list[str]:
    inner = _block(value, indent + "  ")
    if not inner:
        return [f"{indent}- {_scalar(value, indent + '  ')}"]
    return [f"{indent}- {inner[0].lstrip()}", *inner[1:]]


def _scalar(value: Any, indent: str) -> str:
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    if not isinstance(value, str):
        return json.dumps(value)
    if _is_block(value):
        mark = "|" if value.endswith("\n") else "|-"
        return "\n".join((mark, *(f"{indent}{line}".rstrip() for line in value.splitlines())))
    if not value or _NO_TEXT.fullmatch(value) or not value.isprintable():
        return json.dumps(value, ensure_ascii=not value.isprintable())
    special = value[0] in _INDICATORS or value[0] == " " or value[-1] in " :"
    if special or ": " in value or " #" in value:
        return "'" + value.replace("'", "''") + "'"
    return value


def _is_block(text: str) -> bool:
    """Several lines that a literal block holds unchanged."""
    lines = text.split("\n")
    return (
        len(lines) > 1
        and bool(lines[0])
        and not lines[0].startswith(" ")
        and not text.endswith("\n\n")
        and all(line.isprintable() and line == line.rstrip() for line in lines)
    )
