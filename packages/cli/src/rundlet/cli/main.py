"""The `rundlet` program's entry: `bin/rundlet` runs `main` (scripts/rundlet says how)."""

from __future__ import annotations

import sys

from rundlet.core.commands.dispatch import main as dispatch

from .program import PROGRAM


def main() -> int:
    """Run one command line; the exit code is podman's."""
    return dispatch(PROGRAM, sys.argv[1:])
