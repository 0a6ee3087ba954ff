"""`python -m devtools.crio_page`: writes docs/crio.md, every key of crio.conf and what it does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rundlet.cri.config.keys import KEYS, TABLES
from rundlet.cri.config.keys.key import Key
from rundlet.cri.config.keys.tables import RESOURCE_KEYS, RUNTIME_KEYS, WORKLOAD_KEYS

PAGE = Path(__file__).parents[1] / "docs/crio.md"
_HEAD = """\
# crio.conf, key by key

`rundlet-cri` reads CRI-O's configuration: `/etc/crio/crio.conf`, then every file below
`/etc/crio/crio.conf.d` in the order of their paths, then `CONTAINER_` variables, then flags; what
comes later wins, key by key. An unknown key or a wrong value is an error that names file and key.
A key that has no effect here is named in a warning when it is set to anything but its default.

Keys marked *live* change by SIGHUP, and when a file changes; the others at the next start.
Defaults are CRI-O's; an empty one of [crio] and [crio.runtime] leaves the word to
`rundlet.toml`. This page is made by `python -m devtools.crio_page`, and a test holds it.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for table in ("crio", *(one for one in TABLES if one != "crio")):
        parts.append(_table(f"[{table}]", [key for key in KEYS if key.table == table]))
        if table == "crio.runtime":
            parts.append(_table("[crio.runtime.runtimes.NAME]", RUNTIME_KEYS))
            workloads = (*WORKLOAD_KEYS, *(_below(key) for key in RESOURCE_KEYS))
            parts.append(_table("[crio.runtime.workloads.NAME]", workloads))
    return "\n".join(parts)


def _below(key: Key) -> Key:
    return key.replace(name=f"resources.{key.name}")


def _table(title: str, keys: tuple[Key, ...] | list[Key]) -> str:
    return "\n".join([f"## {title}", "", "| key | default | flag | what it does |",
                      "|---|---|---|---|", *_rows(keys), ""])  # fmt: skip


def _rows(keys: tuple[Key, ...] | list[Key]) -> Iterator[str]:
    for key in keys:
        flag = f"`--{key.flag}`" if key.flag else ""
        yield f"| `{key.name}` | {_default(key)} | {flag} | {_text(key)} |"


def _default(key: Key) -> str:
    if key.name == "metrics_collectors":
        return "all"
    if isinstance(key.default, bool):
        return f"`{str(key.default).lower()}`"
    if isinstance(key.default, tuple | dict):
        return f"`{', '.join(key.default)}`" if key.default else ""
    return f"`{key.default}`" if key.default != "" else ""


def _text(key: Key) -> str:
    text = key.help
    if key.without:
        gone = "CRI-O has dropped it" if key.gone else "no effect"
        return f"{text}. **{gone[0].upper()}{gone[1:]}**: {key.without}"
    return f"{text} *(live)*" if key.live else text


if __name__ == "__main__":
    PAGE.write_text(page())
