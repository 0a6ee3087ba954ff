"""The `rundlet` program: podman's global options."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Option, Program
from rundlet.core.commands.options import ENGINE_OPTIONS

PROGRAM = Program(
    name="rundlet",
    summary="Manage containers, images, volumes and networks",
    group="rundlet.commands",
    options=(
        *ENGINE_OPTIONS,
        Option(
            "cgroup-manager",
            help="Cgroup manager to use",
            choices=("cgroupfs", "systemd"),
        ),
        Option("conmon", help="Path of the conmon binary", completes="files"),
        Option(
            "events-backend",
            help="Events backend to use",
            choices=("sqlite", "file", "journald", "none"),
        ),
        Option("network-config-dir", help="Path of the configuration directory for networks"),
        Option("runtime-flag", help="Global flags for the OCI runtime", many=True),
        Option("tmpdir", help="Path to the temporary directory of large files"),
        Flag("syslog", help="Output logging information to syslog as well", hidden=True),
    ),
)
