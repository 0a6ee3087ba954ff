"""The `rundlet` program: podman's global options (podman(1)).

Those that this release cannot honour are declared too, hidden: they are refused by name
and with the reason (`settings/refused.py` of core), not as unknown flags.
"""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option, Program
from rundlet.core.commands.options import ENGINE_OPTIONS
from rundlet.core.verbs.tls_details import TLS_DETAILS

_HONOURED = (
    Option("cgroup-manager", help="Cgroup manager to use", choices=("cgroupfs", "systemd")),
    Option(
        "config",
        help="Directory of docker's config.json, of which only the logins count",
        completes="files",
    ),
    Option("conmon", help="Path of the conmon binary", completes="files"),
    Option(
        "events-backend",
        help="Events backend to use",
        choices=("sqlite", "file", "journald", "none"),
    ),
    Option(
        "hooks-dir",
        help="Set the OCI hooks directory path (may be set multiple times)",
        metavar="strings",
        many=True,
        completes="files",
    ),
    Flag("debug", "D", help="As --log-level=debug", hidden=True),
    Option("imagestore", help="Path to the directory of the files of images", completes="files"),
    Option("module", help="Load the containers.conf(5) module", many=True, metavar="stringArray"),
    Option(
        "network-config-dir",
        help="Path of the configuration directory for networks",
        completes="files",
    ),
    Option(
        "cdi-spec-dir",
        help="Directory of CDI specifications (may be given several times)",
        metavar="stringArray",
        many=True,
    ),
    Flag("noout", help="Do not output to stdout"),
    Option("out", help="Send output (stdout) to a file", completes="files"),
    Option(
        "runtime-flag",
        help="Add global flags for the container runtime",
        metavar="stringArray",
        many=True,
    ),
    TLS_DETAILS,
    Flag("transient-store", help="Containers do not outlive a boot of the machine"),
    Option("volumepath", help="Path of the directory of volumes", completes="files"),
    Option("tmpdir", help="Path to the directory of large temporary files", completes="files"),
    Option(
        "registries-conf",
        help="Path to a registries.conf to use for image processing",
        hidden=True,
    ),
)
# Of no effect by themselves: rootless networks say that they are not supported.
IDLE = (
    Option("network-cmd-path", hidden=True),
    Flag("syslog", help="Output logging information to syslog as well as the console", hidden=True),
    Option("ssh", hidden=True),
    Option("identity", hidden=True),
)
_REFUSED = (
    Option("connection", "c", hidden=True),
    Flag("remote", "r", hidden=True),
    Option("tls-ca", hidden=True),
    Option("tls-cert", hidden=True),
    Option("tls-key", hidden=True),
    Option("url", hidden=True),
    Option("namespace", hidden=True),
)

PROGRAM = Program(
    name="rundlet",
    summary="Manage pods, containers and images",
    group="rundlet.commands",
    options=(*ENGINE_OPTIONS, *_HONOURED, *IDLE, *_REFUSED),
    suggested="rundlet.cli.suggested:SUGGESTED",
    absent="rundlet.cli.absent:ABSENT",
)
