"""The `rundlet-cri` program."""

from __future__ import annotations

import sys

from rundlet.core.commands.declare import Program
from rundlet.core.commands.dispatch import main as dispatch

from .config.flags import OPTIONS

PROGRAM = Program(
    name="rundlet-cri",
    summary="The Kubernetes Container Runtime Interface on the Rundlet engine",
    group="rundlet.cri_commands",
    options=OPTIONS,
    default="serve",
    logs=True,
)


def main() -> int:
    """Run one command line."""
    return dispatch(PROGRAM, sys.argv[1:])
