"""The `rundlet-build` program."""

from __future__ import annotations

import sys

from rundlet.core.commands.declare import Program
from rundlet.core.commands.dispatch import main as dispatch
from rundlet.core.commands.options import ENGINE_OPTIONS

PROGRAM = Program(
    name="rundlet-build",
    summary="Build OCI images on the Rundlet engine",
    group="rundlet.build_commands",
    options=ENGINE_OPTIONS,
)


def main() -> int:
    """Run one command line."""
    return dispatch(PROGRAM, sys.argv[1:])
