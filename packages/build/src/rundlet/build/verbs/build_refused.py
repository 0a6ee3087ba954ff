"""Flags of buildah that are understood, and refused with the reason."""

from __future__ import annotations

from rundlet.core.errors import NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Parsed

REFUSED: dict[str, tuple[str, str]] = {
    "cw": ("confidential workload images are not made", "Build a plain image."),
    "log-rusage": ("usage is not logged", "Each step shows its time; see also time(1)."),
    "rusage-logfile": ("usage is not logged", "Each step shows its time; see also time(1)."),
}
"""Flag to (reason, remedy)."""


def check(arguments: Parsed) -> None:
    """Raise NotSupported for a flag that was given (`=false` asks for nothing)."""
    for name in REFUSED:
        value = arguments.values.get(name) if name in arguments.given else None
        if value is not None and value is not False:
            reason, remedy = REFUSED[name]
            raise NotSupported(f"--{name} is not supported for build: {reason}", remedy=remedy)
