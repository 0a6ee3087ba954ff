"""Printing a list of rows the way `--format`, `--noheading` and `--quiet` ask for."""

from __future__ import annotations

from .table import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .template import Template

_ESCAPES = {"\\t": "\t", "\\n": "\n"}


def rows(
    found: Sequence[Mapping[str, Any]],
    form: str,
    *,
    headings: Mapping[str, str] | None = None,
    heading: bool = True,
) -> str:
    """Rows by a Go template, "json" or "table TEMPLATE". Raises InvalidArgument.

    headings: field names to titles for the first line of a table; else the upper-cased name.
    """
    if form == "json":
        return pretty(list(found)) + "\n"
    from .template import Template

    is_table = form.startswith("table")
    text = form.removeprefix("table").strip() if is_table else form
    for written, meant in _ESCAPES.items():
        text = text.replace(written, meant)
    if is_table:
        text = _in_columns(text)
    template = Template(text)
    lines = [template.render(row) for row in found]
    if not is_table:
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
    cells = [line.rstrip("\n").split("\t") for line in lines]
    if heading:
        cells.insert(0, _heading(template, text, headings or {}))
    return table(cells)


def _in_columns(text: str) -> str:
    """A table's template, where a space begins a column as a tab does: podman reads it so."""
    import re

    parts = re.split(r"({{.*?}})", text, flags=re.DOTALL)
    return "".join(part if part.startswith("{{") else part.replace(" ", "\t") for part in parts)


def _heading(template: Template, text: str, headings: Mapping[str, str]) -> list[str]:
    """The first line: the template over the titles of its fields; else each column's titles."""
    import re

    from ..errors import InvalidArgument

    named = set(re.findall(r"\.([A-Za-z]\w*)", text))
    try:
        line = template.render({name: headings.get(name, _title(name)) for name in named})
        return line.rstrip("\n").split("\t")
    except InvalidArgument:
        pass
    columns = []
    for column in text.split("\t"):
        names = re.findall(r"\.([A-Za-z]\w*)", column)
        columns.append(" ".join(headings.get(name, _title(name)) for name in names))
    return columns


def _title(name: str) -> str:
    """ "ImageID" to "IMAGE ID"."""
    out = ""
    for number, letter in enumerate(name):
        before = name[number - 1] if number else ""
        if letter.isupper() and before.islower():
            out += " "
        out += letter.upper()
    return out


def pretty(value: Any, indent: int = 4) -> str:
    """Indented JSON, as podman prints documents."""
    import json

    return json.dumps(value, indent=indent, ensure_ascii=False, default=str)
