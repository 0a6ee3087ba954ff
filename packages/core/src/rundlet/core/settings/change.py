"""Changing one setting: in the file that RUNDLET_CONF names, else in a drop-in of our own.

Only a top-level key with a string is ever changed; all other lines of the file stay as they
are. A file appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import re
import tomllib

from ..errors import SettingsError
from ..linux.processes import partial_name
from .places import SYSTEM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def set_value(
    key: str, value: str, *, drop_in: str, environment: Mapping[str, str] | None = None
) -> str:
    """Set a key, and return the path of the file that says so now.

    drop_in: name of the file in `rundlet.toml.d`. Raises SettingsError naming the file.
    """
    environment = os.environ if environment is None else environment
    path = environment.get("RUNDLET_CONF") or f"{_base(environment)}/rundlet.toml.d/{drop_in}"
    try:
        before = _content(path)
        after = changed(before, key, value)
        if tomllib.loads(after).get(key) != value:
            raise SettingsError(f"{path}: cannot set {key} there", remedy="Edit the file.")
        _replace(path, after)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}", remedy="Correct the file first.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot change {path}: {error}") from error
    return path


def changed(text: str, key: str, value: str) -> str:
    """A TOML text with a top-level key set. Raises TOMLDecodeError for one that is not TOML."""
    there = key in tomllib.loads(text)
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    if not there:  # before the first table, so that it belongs to none
        return f"{line}\n{text}"
    head, rest = _before_tables(text)
    pattern = rf"^[ \t]*{re.escape(key)}[ \t]*=.*$"
    return re.sub(pattern, lambda _: line, head, count=1, flags=re.MULTILINE) + rest


def _before_tables(text: str) -> tuple[str, str]:
    """The text before the first table header, and what follows."""
    found = re.search(r"^[ \t]*\[", text, flags=re.MULTILINE)
    return (text, "") if found is None else (text[: found.start()], text[found.start() :])


def _base(environment: Mapping[str, str]) -> str:
    """As places.find looks for it: root's are those of the system."""
    if os.geteuid() == 0:
        return f"{SYSTEM}/rundlet"
    user = environment.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return f"{user}/rundlet"


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _replace(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = partial_name(path)
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise
