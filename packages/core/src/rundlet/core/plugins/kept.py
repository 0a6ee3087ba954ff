"""Tables of runtimes that containers keep, however the configuration changes after.

A container notes the runtime it is made with by name. Where that is the name of a table, the
table as it was then is kept below the graph root, under a name that says which: `NAME@HASH`.
Every tool finds it there, also one that does not read the file that the table came from.
"""

from __future__ import annotations

import os
from _thread import get_ident

from .. import json
from ..contracts.runtime import KEPT
from ..errors import PluginError
from ..linux.processes import partial_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any

    from ..settings.snapshot import Settings

_DIGITS = 8


def root(settings: Settings, name: str) -> str:
    """`--root` of a runtime whose table has none. Short, for sockets are bound below it."""
    return f"{settings.run_root}/oci/{name}"


def keep(settings: Settings, name: str) -> str:
    """The name under which a runtime is found for ever: of a table one of its own."""
    table = settings.runtimes.get(name)
    if not table:
        return name
    whole = {"kind": name, "root": root(settings, name), **table}
    text = json.dumps(whole, sort_keys=True)
    noted = f"{name}{KEPT}{_hash(text)}"
    path = _path(settings, noted)
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        temporary = partial_name(f"{path}.{get_ident()}")  # several threads may keep it at once
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    return noted


def table(settings: Settings, name: str) -> dict[str, Any]:
    """The table of a runtime: the settings', or one that was kept; {} for none.

    Raises PluginError for one that was kept and cannot be read.
    """
    if KEPT not in name or name in settings.runtimes:
        return dict(settings.runtimes.get(name, {}))
    path = _path(settings, name)
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        if not isinstance(found, dict):
            raise ValueError("no table")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise PluginError(f"runtime {name}: {path}: {error}") from error
    return found


def collect(settings: Settings, used: Container[str]) -> None:
    """Forget the tables that are not in use. Nothing may be about to use one."""
    directory = f"{settings.graph_root}/runtimes"
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    for name in names:
        if name.removesuffix(".json") not in used:
            os.unlink(f"{directory}/{name}")


def _path(settings: Settings, name: str) -> str:
    return f"{settings.graph_root}/runtimes/{os.path.basename(name)}.json"


def _hash(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()[:_DIGITS]
