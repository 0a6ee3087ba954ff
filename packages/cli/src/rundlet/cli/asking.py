"""Questions before something is destroyed."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context


def confirmed(context: Context, warning: str) -> bool:
    """Whether the user says yes on standard input; no answer is no."""
    context.print(f"WARNING! {warning}\nAre you sure you want to continue? [y/N] ", end="")
    context.stdout.flush()
    return sys.stdin.readline().strip().lower().startswith("y")
