"""The `rundlet-build` program."""

from __future__ import annotations

import sys

from rundlet.core.commands.declare import Option, Program
from rundlet.core.commands.dispatch import main as dispatch
from rundlet.core.commands.options import ENGINE_OPTIONS

PROGRAM = Program(
    name="rundlet-build",
    summary="Build OCI images on the Rundlet engine",
    group="rundlet.build_commands",
    options=(
        *ENGINE_OPTIONS,
        Option("cgroup-manager", help="Manager of cgroups", choices=("cgroupfs", "systemd")),
        Option("imagestore", help="Path to the directory of the files of images",
               completes="files"),
        Option("registries-conf", help="Path of registries.conf", completes="files"),
        Option("registries-conf-dir", help="Does nothing: that beside registries.conf is read",
               hidden=True),
        Option("short-name-alias-conf", help="Does nothing: aliases are in registries.conf.d",
               hidden=True),
        Option("userns-gid-map", help="GID map of from and build: CONTAINER:HOST:SIZE",
               many=True, split=True),
        Option("userns-uid-map", help="UID map of from and build: CONTAINER:HOST:SIZE",
               many=True, split=True),
    ),
)  # fmt: skip


def main() -> int:
    """Run one command line."""
    return dispatch(PROGRAM, sys.argv[1:])
