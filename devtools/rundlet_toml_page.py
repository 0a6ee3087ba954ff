"""`python -m devtools.rundlet_toml_page`: writes docs/rundlet-toml.md, setting by setting.

Names, types, defaults and what they mean stand in settings/snapshot.py, the last as comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rundlet.core.settings import snapshot

PAGE = Path(__file__).parents[1] / "docs/rundlet-toml.md"
_HEAD = """\
# rundlet.toml

Settings of Rundlet's own, and those of `containers.conf` and `storage.conf` under the names that
they have here. Programs read `/etc/rundlet/rundlet.toml`, or the file that `RUNDLET_CONF` names,
and the files of `/etc/rundlet/rundlet.toml.d/`, which come after `containers.conf` and
`storage.conf` and before variables and flags. Each setting is a variable too, `RUNDLET_` and its
name in capitals: `RUNDLET_LOCK_TIMEOUT=5`; lists and tables as JSON. Sizes are in bytes, times in
seconds. An unknown name or a wrong value is an error that names file and setting.

`rundlet runtime set-default NAME` writes `runtime`. Tables of runtimes and of plugins are
described in [Writing a plugin](plugins.md#runtimes-by-configuration).

This page is made by `python -m devtools.rundlet_toml_page`, and a test holds it.
"""
_TYPES = {"str": "text", "int": "integer", "float": "number", "bool": "true, false"}
_SETTING = re.compile(r"^    (\w+): ([^=]+) = .*?(?:  # (.+))?$", re.M)  # name, type, comment
_NOT_SET_BY_HAND = ("unknown_keys",)


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_tables()])


def _tables() -> Iterator[str]:
    source = Path(snapshot.__file__).read_text().partition("class Settings")[2]
    for block in source.split("\n    # ")[1:]:
        title, _, text = block.partition("\n")
        yield f"## {title[0].upper()}{title[1:]}\n"
        yield "| setting | type | default | what |\n|---|---|---|---|"
        for name, kind, meaning in _SETTING.findall(text):
            if name not in _NOT_SET_BY_HAND:
                yield f"| `{name}` | {_type(kind)} | {_default(name)} | {_escaped(meaning)} |"
        yield ""


def _type(kind: str) -> str:
    kind = kind.removesuffix(" | None")
    if kind.startswith("Mapping"):
        return "table"
    return "list" if kind.startswith("tuple") else _TYPES[kind]


def _default(name: str) -> str:
    value = getattr(snapshot.Settings, name)
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str | int | float) and value != "" else ""


def _escaped(text: str) -> str:
    for nothing in ('"":', "():", "None:"):
        text = text.replace(nothing, "not set:")
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
