"""Errors in a Containerfile: where they are comes first, as compilers say it."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument


def at(file: str, line: int, problem: str, *, remedy: str = "") -> InvalidArgument:
    """`FILE:LINE: problem`, to be raised."""
    return InvalidArgument(f"{file}:{line}: {problem}", remedy=remedy)
