"""The options of the program: crio(8)'s, most of them made of the keys they set."""

from __future__ import annotations

from typing import Any

from rundlet.core.commands.declare import Flag, Option

from .keys import KEYS
from .keys.key import Key
from .read import DIRECTORY, FILE

NO_PROFILER = "it is of Go's profiler: see /debug of the socket"
WITHOUT = {
    "profile": NO_PROFILER,
    "profile-cpu": NO_PROFILER,
    "profile-mem": NO_PROFILER,
    "profile-port": NO_PROFILER,
    "enable-profile-unix-socket": NO_PROFILER,
    "registries-conf-dir": "registries.conf.d beside registries.conf is read",
}
"""Options that have no effect, and why."""

VARIABLES = {
    "config": "CONTAINER_CONFIG",
    "config-dir": "CONTAINER_CONFIG_DIR",
    "log": "CONTAINER_LOG",
    "log-format": "CONTAINER_LOG_FORMAT",
    "runtimes": "CONTAINER_RUNTIMES",
    "registries-conf": "CONTAINER_REGISTRIES_CONF",
}
"""Options that are no keys, and their variables."""


def _option(key: Key) -> Flag | Option:
    text = f"{key.help} [no effect: {key.without}]" if key.without else key.help
    aliases: dict[str, Any] = {"aliases": ("tz",)} if key.flag == "timezone" else {}
    if isinstance(key.default, bool):
        return Flag(key.flag, key.short, text, default=key.default)
    if isinstance(key.default, int):
        return Option(key.flag, key.short, text, metavar="int", kind="int")
    if isinstance(key.default, tuple):
        return Option(key.flag, key.short, text, metavar="strings", many=True, split=True)
    return Option(key.flag, key.short, text, choices=key.choices, **aliases)


_OTHERS: tuple[Flag | Option, ...] = (
    Option("config", "c", "Configuration file", metavar="path", default=FILE, completes="files"),
    Option(
        "config-dir",
        "d",
        "Directory of drop-ins, which win over the configuration file",
        metavar="path",
        default=DIRECTORY,
        completes="files",
    ),
    Option(
        "runtimes",
        help="Runtime handlers: NAME:PATH:ROOT[:TYPE[:PRIVILEGED_WITHOUT_HOST_DEVICES"
        "[:CONFIG_PATH[:CONTAINER_MIN_MEMORY]]]]",
        metavar="strings",
        many=True,
        split=True,
    ),
    Option("log", help="File that the server logs to", metavar="path", completes="files"),
    Option("log-format", help="Form of log lines", default="text", choices=("text", "json")),
    Option("registries-conf", help="Path of registries.conf", metavar="path", hidden=True),
    Option("registries-conf-dir", help="Path of registries.conf.d", hidden=True),
    Option("runtime", help="OCI runtime of pods, by name or path", hidden=True),
    Flag("profile", help=f"[no effect: {NO_PROFILER}]"),
    Option("profile-cpu", help=f"[no effect: {NO_PROFILER}]"),
    Option("profile-mem", help=f"[no effect: {NO_PROFILER}]"),
    Option("profile-port", help=f"[no effect: {NO_PROFILER}]", kind="int", default="6060"),
    Flag("enable-profile-unix-socket", help=f"[no effect: {NO_PROFILER}]"),
    Flag("version", "v", help="Print the version and exit", local=True),
)

OPTIONS = tuple(
    sorted((*_OTHERS, *(_option(key) for key in KEYS if key.flag)), key=lambda option: option.name)
)
