"""The configuration as a `crio.conf` that reads back to the same: what `config` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .keys import KEYS, TABLES
from .keys.key import Key
from .keys.tables import RESOURCE_KEYS, RUNTIME_KEYS, RUNTIMES, WORKLOAD_KEYS, WORKLOADS
from .model import Config

_HEAD = """\
# Configuration of rundlet-cri, in CRI-O's form: crio.conf(5) says where it is read from.
# A line that begins with # has its default. Keys marked with (live) change by SIGHUP.
"""


def commented(config: Config) -> str:
    """Every key with a line about it; those with their defaults are commented out."""
    lines = [_HEAD]
    for table in ("crio", *(one for one in TABLES if one != "crio")):
        lines.append(f"[{table}]\n")
        for key in KEYS:
            if key.table == table and not key.gone:
                lines += _explained(key, config.values[key.path])
        if table == "crio.runtime":
            lines += _tables(config, comments=True)
    return "\n".join(lines)


def plain(config: Config) -> str:
    """Every key, none commented out: what is in force (`status config`)."""
    lines = []
    for table in ("crio", *(one for one in TABLES if one != "crio")):
        lines.append(f"[{table}]")
        lines += [
            f"{key.name} = {_value(config.values[key.path])}"
            for key in KEYS
            if key.table == table and not key.gone
        ]
        if table == "crio.runtime":
            lines += _tables(config, comments=False)
        lines.append("")
    return "\n".join(lines)


def _explained(key: Key, value: Any) -> Iterator[str]:
    marks = " (live)" if key.live else ""
    yield f"# {key.help}.{marks}"
    if key.without:
        yield f"# Has no effect: {key.without}."
    yield f"{'# ' if value == key.default else ''}{key.name} = {_value(value)}\n"


def _tables(config: Config, *, comments: bool) -> Iterator[str]:
    for name, table in config.runtimes.items():
        yield f"[{RUNTIMES}.{_name(name)}]"
        yield from _fields(RUNTIME_KEYS, table)
        yield ""
    for name, table in config.workloads.items():
        yield f"[{WORKLOADS}.{_name(name)}]"
        yield from _fields(WORKLOAD_KEYS, table)
        yield f"[{WORKLOADS}.{_name(name)}.resources]"
        yield from _fields(RESOURCE_KEYS, table["resources"])
        yield ""
    if comments and not config.runtimes:
        yield f"# [{RUNTIMES}.NAME]"
        for key in RUNTIME_KEYS:
            yield f"# {key.name} = {_value(key.default)}    # {key.help}"
        yield ""


def _fields(keys: tuple[Key, ...], table: Mapping[str, Any]) -> Iterator[str]:
    for key in keys:
        if table[key.name] != key.default:
            yield f"{key.name} = {_value(table[key.name])}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        pairs = ", ".join(f"{_text(key)} = {_text(one)}" for key, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return f"[{', '.join(_text(one) for one in value)}]"


def _name(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isalnum() and bare.isascii() else _text(name)


def _text(value: str) -> str:
    """A basic string of TOML: JSON's, but for DEL, which TOML wants escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
