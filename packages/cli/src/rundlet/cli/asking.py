"""Questions before something is destroyed."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context


def confirmed(context: Context, warning: str) -> bool:
    """Whether the user says yes on standard input. Raises InvalidArgument where nobody answers."""
    context.print(f"WARNING! {warning}\nAre you sure you want to continue? [y/N] ", end="")
    context.stdout.flush()
    answer = sys.stdin.readline()
    if not answer:
        from rundlet.core.errors import InvalidArgument

        raise InvalidArgument("EOF", remedy="Nobody answered; --force does without the question.")
    return answer.strip().lower().startswith("y")
