"""Keys of containers.conf and storage.conf that nobody knows: misspelt, or of a newer release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .keys import Key


def unknown(files: Sequence[str], keys: Sequence[Key]) -> tuple[str, ...]:
    """A line for each key of these files that is not among `keys`: "FILE: TABLE.KEY"."""
    known = {(key.table, key.name) for key in keys}
    tables = {key.table for key in keys}
    return tuple(
        f"{path}: {key}" for path in files for key in _strange("", read_toml(path), known, tables)
    )


def _strange(
    table: str, values: Mapping[str, Any], known: set[tuple[str, str]], tables: set[str]
) -> Iterator[str]:
    if (table, "*") in known:
        return
    for name, value in values.items():
        path = f"{table}.{name}" if table else name
        inside = isinstance(value, dict)
        if inside and any(one == path or one.startswith(f"{path}.") for one in tables):
            yield from _strange(path, value, known, tables)
        elif (table, name) not in known:
            yield path
