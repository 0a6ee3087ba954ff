"""The configuration of a command line: files, then drop-ins, then variables, then flags.

As crio(8) orders them; a variable counts like the flag that it stands for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from rundlet.core.commands.context import Parsed
from rundlet.core.errors import SettingsError

from . import read
from .flags import VARIABLES
from .keys import KEYS
from .keys.tables import RUNTIME_KEYS
from .model import Config, defaults
from .values import checked, from_text


def load(options: Parsed, environment: Mapping[str, str] | None = None) -> Config:
    """Everything that is said. Raises SettingsError naming file, variable or flag, and key."""
    environment = os.environ if environment is None else environment
    config = defaults()
    for path in places(options, environment)[0]:
        config = read.read(config, path)
    config = _variables(config, environment)
    config = _flags(config, options)
    for text in other(options, environment, "runtimes", many=True):
        name, table = _runtime(text)
        config = config.replace(runtimes={**config.runtimes, name: table})
    return _whole(config)


def places(
    options: Parsed, environment: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files in force, weakest first; and the file and directory that they are looked for in."""
    path = str(other(options, environment, "config"))
    directory = str(other(options, environment, "config-dir"))
    named = "config" in options.given or bool(environment.get(VARIABLES["config"]))
    found = read.files(path, directory, named=named)
    return found, tuple(place for place in (path, directory) if place)


def other(options: Parsed, environment: Mapping[str, str], name: str, *, many: bool = False) -> Any:
    """An option that is no key: the flag, else its variable, else the flag's default."""
    said = environment.get(VARIABLES.get(name, ""))
    if name in options.given or not said:
        return options.values[name]
    return tuple(said.split(",")) if many else said


def _variables(config: Config, environment: Mapping[str, str]) -> Config:
    values = {}
    where = {}
    for key in KEYS:
        text = environment.get(key.variable) if key.variable else None
        if text:
            found = from_text(key, text, key.variable)
            values[key.path] = checked(key, found, key.variable)
            where[key.path] = key.variable
    return config.with_values(values, where)


def _flags(config: Config, options: Parsed) -> Config:
    values = {}
    where = {}
    for key in KEYS:
        if key.flag in options.given:
            typed = f"--{key.flag}"
            values[key.path] = checked(key, options.values[key.flag], typed)
            where[key.path] = typed
    return config.with_values(values, where)


def _runtime(text: str) -> tuple[str, dict[str, Any]]:
    """`--runtimes name:path:root:type:privileged_without_host_devices:config:min_memory`."""
    name, *fields = text.split(":")
    if not name or not 2 <= len(fields) <= 6:
        raise SettingsError(f"--runtimes: {text!r}: expected NAME:PATH:ROOT[:TYPE[:...]]")
    fields += [""] * (6 - len(fields))
    path, root, kind, devices, configuration, memory = fields
    table = read.runtime(
        runtime_path=path,
        runtime_root=root,
        runtime_type=kind or "oci",
        privileged_without_host_devices=devices == "true",
        runtime_config_path=configuration,
        container_min_memory=memory,
    )
    for key in RUNTIME_KEYS:
        checked(key, table[key.name], f"--runtimes: {name}: {key.name}")
    return name, table


def _whole(config: Config) -> Config:
    """Keys that must agree with each other. Raises SettingsError."""
    api, metrics = "crio.api", "crio.metrics"
    pairs = [(metrics, "metrics_cert", "metrics_key")]
    if config.flag(f"{api}.stream_enable_tls"):
        pairs.append((api, "stream_tls_cert", "stream_tls_key"))
        if not config.text(f"{api}.stream_tls_cert"):
            raise _wrong(config, f"{api}.stream_enable_tls", "needs stream_tls_cert and its key")
    for table, one, other_ in pairs:
        if bool(config.text(f"{table}.{one}")) != bool(config.text(f"{table}.{other_}")):
            raise _wrong(config, f"{table}.{one}", f"needs {other_}, and the other way round")
    size = config.number("crio.runtime.log_size_max")
    if 0 <= size < 8192:
        raise _wrong(config, "crio.runtime.log_size_max", "is less than 8192, conmon's buffer")
    for name in ("grpc_max_send_msg_size", "grpc_max_recv_msg_size"):
        if config.number(f"{api}.{name}") <= 0:
            default = defaults().values[f"{api}.{name}"]
            config = config.with_values({f"{api}.{name}": default}, {})
    return config


def _wrong(config: Config, path: str, why: str) -> SettingsError:
    where = config.said.get(path, "")
    return SettingsError(f"{where}: {path}: {why}" if where else f"{path}: {why}")
