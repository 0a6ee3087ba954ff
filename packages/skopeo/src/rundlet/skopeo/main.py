"""The `rundlet-skopeo` program."""

from __future__ import annotations

import sys

from rundlet.core.commands.declare import Flag, Option, Program
from rundlet.core.commands.dispatch import main as dispatch
from rundlet.core.commands.options import ENGINE_OPTIONS

PROGRAM = Program(
    name="rundlet-skopeo",
    summary="Various operations with container images and container image registries",
    group="rundlet.skopeo_commands",
    options=(
        *ENGINE_OPTIONS,
        Option("command-timeout", help="Timeout for the command execution", kind="duration"),
        Flag("debug", help="Enable debug output"),
        Flag("insecure-policy", help="Run the tool without any policy check"),
        Option("override-arch", help="Use ARCH instead of the architecture of the machine"),
        Option("override-os", help="Use OS instead of the running OS"),
        Option("override-variant", help="Use VARIANT instead of the running variant"),
        Option("policy", help="Path to a trust policy file", completes="files"),
        Option("registries.d", help="Use registry configuration files in DIR", completes="files"),
        Option("tmpdir", help="Directory used to store temporary files", completes="files"),
    ),
)


def main() -> int:
    """Run one command line."""
    return dispatch(PROGRAM, sys.argv[1:])
