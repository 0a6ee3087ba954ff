"""Options that several programs have.

The global ones of every program over the engine: `settings.load.from_options` obeys them.
"""

from __future__ import annotations

from .declare import Flag, Option

ENGINE_OPTIONS = (
    Option(
        "root",
        help="Path to the root directory in which data, including images, is stored",
        completes="files",
    ),
    Option(
        "runroot",
        help="Path to the 'run directory' where all state information is stored",
        completes="files",
    ),
    Option(
        "storage-driver",
        help="Select which storage driver is used to manage storage of images and containers",
        completes="storage",
    ),
    Option(
        "storage-opt",
        help="Used to pass an option to the storage driver",
        many=True,
        metavar="stringArray",
    ),
    Option("runtime", help="OCI runtime, by name or path of its binary", completes="runtime"),
    Option(
        "log-level",
        help="Log messages above specified level",
        default="warn",
        choices=("trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"),
    ),
    Flag("version", "v", help="Print the version and exit", local=True),
)

AUTHFILE = Option(
    "authfile",
    help="Path of the authentication file",
    completes="files",
    aliases=("auth-file",),  # what the newest podman calls it
)
