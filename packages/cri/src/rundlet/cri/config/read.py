"""`crio.conf` and its drop-ins: TOML tables to values, each checked (crio.conf(5), crio.conf.d(5)).

Later files win, key by key; a list is replaced whole, and so is the table of a runtime.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from rundlet.core.errors import SettingsError
from rundlet.core.settings.toml_file import read_toml

from .keys import BY_NAME, TABLES
from .keys.key import Key
from .keys.tables import RESOURCE_KEYS, RUNTIME_KEYS, RUNTIMES, WORKLOAD_KEYS, WORKLOADS
from .model import Config
from .values import checked

FILE = "/etc/crio/crio.conf"
DIRECTORY = "/etc/crio/crio.conf.d"


def files(path: str, directory: str, *, named: bool) -> tuple[str, ...]:
    """The files in force, weakest first. path: "" for none. named: it was asked for by name.

    All files below the directory count, in the order of their paths, whatever their ends; but
    not hidden ones. Raises SettingsError for a file that was named and is not there, and for a
    directory that is none.
    """
    found = []
    if path:
        if os.path.exists(path):
            found.append(path)
        elif named:
            raise SettingsError(f"{path}: no such file", remedy="see --config")
    if os.path.exists(directory) and not os.path.isdir(directory):
        raise SettingsError(
            f"{directory} is no directory", remedy="see --config-dir; files: --config"
        )
    for base, directories, names in os.walk(directory):
        directories[:] = sorted(one for one in directories if not one.startswith("."))
        found += [f"{base}/{name}" for name in names if not name.startswith(".")]
    head = found[:1] if path and found and found[0] == path else []
    return (*head, *sorted(found[len(head) :]))


def read(config: Config, path: str) -> Config:
    """The configuration with what one file says over it. Raises SettingsError."""
    values: dict[str, Any] = {}
    runtimes = dict(config.runtimes)
    workloads = dict(config.workloads)
    for name, value in _entries(read_toml(path), "", path):
        key = BY_NAME.get(name)
        if key is not None:
            values[name] = checked(key, value, f"{path}: {name}")
        elif name == RUNTIMES:
            for runtime, table in _named(value, f"{path}: {name}").items():
                runtimes[runtime] = _fields(RUNTIME_KEYS, table, f"{path}: {name}.{runtime}")
        elif name == WORKLOADS:
            for workload, table in _named(value, f"{path}: {name}").items():
                workloads[workload] = _workload(table, f"{path}: {name}.{workload}")
        else:
            raise SettingsError(f"{path}: {name}: no such key")
    changed = config.with_values(values, dict.fromkeys(values, path))
    return changed.replace(runtimes=runtimes, workloads=workloads, files=(*config.files, path))


def _entries(table: Mapping[str, Any], above: str, path: str) -> Iterator[tuple[str, Any]]:
    """Every key with its path; the tables with names as one entry each."""
    for name, value in table.items():
        here = f"{above}.{name}" if above else name
        if here in (*TABLES, "crio"):
            if not isinstance(value, dict):
                raise SettingsError(f"{path}: {here}: expected a table")
            yield from _entries(value, here, path)
        else:
            yield here, value


def _named(value: Any, where: str) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        raise SettingsError(f"{where}: expected a table")
    for name, table in value.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{where}.{name}: expected a table")
    return value


def _fields(keys: tuple[Key, ...], table: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = {key.name: key for key in keys}
    for name in table:
        if name not in known:
            raise SettingsError(f"{where}.{name}: no such key")
    return {
        key.name: checked(key, table[key.name], f"{where}.{key.name}")
        if key.name in table
        else key.default
        for key in keys
    }


def _workload(table: dict[str, Any], where: str) -> dict[str, Any]:
    resources = table.get("resources", {})
    if not isinstance(resources, dict):
        raise SettingsError(f"{where}.resources: expected a table")
    rest = {name: value for name, value in table.items() if name != "resources"}
    found = _fields(WORKLOAD_KEYS, rest, where)
    if not found["activation_annotation"]:
        raise SettingsError(f"{where}: a workload needs an activation_annotation")
    numbers = {  # CRI-O's own examples write them as texts
        name: int(value) if name != "cpuset" and str(value).isdecimal() else value
        for name, value in resources.items()
    }
    return {**found, "resources": _fields(RESOURCE_KEYS, numbers, f"{where}.resources")}


def runtime(**fields: Any) -> dict[str, Any]:
    """A table of a runtime with some keys set (checked already)."""
    return {**{key.name: key.default for key in RUNTIME_KEYS}, **fields}
