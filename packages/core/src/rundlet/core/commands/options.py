"""Global options that every program over the engine has."""

from __future__ import annotations

from .declare import Flag, Option

ENGINE_OPTIONS = (
    Option("root", help="Where images, containers and state are kept", completes="files"),
    Option("runroot", help="Where things that do not outlive a reboot are kept", completes="files"),
    Option("storage-driver", help="Storage driver of a new store"),
    Option("storage-opt", help="Storage driver option", many=True, metavar="stringArray"),
    Option("runtime", help="OCI runtime, by name or path"),
    Option(
        "log-level",
        help="Log messages at and above this level",
        default="warn",
        choices=("trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"),
    ),
    Flag("version", "v", help="Print the version and exit", local=True),
)
