"""Is a value right for its key? Of files, flags and variables alike."""

from __future__ import annotations

import os
import re
from typing import Any

from rundlet.core.commands.values import duration
from rundlet.core.errors import SettingsError
from rundlet.core.plugins.choose import ORDER

from .keys.key import Key

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
_WORDS = {bool: "true or false", int: "a whole number", str: "a text", dict: "a table of texts"}


def checked(key: Key, value: Any, where: str) -> Any:
    """The value as the key has it. Raises SettingsError that begins with `where`."""
    if key.kind == "port" and type(value) is int:
        value = str(value)
    kind = type(key.default)
    if kind is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise SettingsError(f"{where}: expected a list of texts")
        return tuple(value)
    if kind is dict:
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise SettingsError(f"{where}: expected {_WORDS[dict]}")
        return value
    if type(value) is not kind:
        raise SettingsError(f"{where}: expected {_WORDS[kind]}, not {value!r}")
    if key.choices and value not in key.choices:
        known = ", ".join(choice for choice in key.choices if choice)
        raise SettingsError(f"{where}: {value!r} is not one of {known}")
    if isinstance(value, str):
        _check_text(key, value, where)
    return value


def _check_text(key: Key, value: str, where: str) -> None:
    if key.kind == "duration" and value:
        try:
            duration(value)
        except ValueError:
            raise SettingsError(f"{where}: {value!r} is no duration", remedy="10s, 1m30s") from None
    if key.kind == "port" and not (value.isdecimal() and int(value) < 65536):
        raise SettingsError(f"{where}: {value!r} is no port")
    if key.name == "log_filter":
        try:
            re.compile(value)
        except re.error as error:
            raise SettingsError(f"{where}: {value!r}: {error}") from None
    absolute = key.name in ("listen", "log_dir", "signature_policy_dir")
    if absolute and value and not os.path.isabs(value.removeprefix("unix://")):
        raise SettingsError(f"{where}: {value!r} is not an absolute path")
    if key.path == "crio.storage_driver" and value and value not in ORDER["storage"]:
        _check_storage(value, where)


def _check_storage(name: str, where: str) -> None:
    from rundlet.core.plugins.index import KINDS, entries

    known = [entry.name for entry in entries(KINDS["storage"])]
    if name not in known:
        raise SettingsError(f"{where}: {name!r} is not one of {', '.join(known)}")


def from_text(key: Key, text: str, where: str) -> Any:
    """The value in a variable. Raises SettingsError."""
    kind = type(key.default)
    if kind is bool:
        if text not in (*_TRUE, *_FALSE):
            raise SettingsError(f"{where}: expected {_WORDS[bool]}, not {text!r}")
        return text in _TRUE
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{where}: expected {_WORDS[int]}, not {text!r}") from None
    if kind is tuple:
        return tuple(one.strip() for one in text.split(",") if one.strip())
    return checked(key, text, where)
