"""What `container checkpoint` and `container restore` have in common: one after another, told."""

from __future__ import annotations

import time

from .selecting import each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.containers.checkpoint.statistics import Statistics


def told(
    context: Context,
    arguments: Parsed,
    names: Sequence[str],
    doing: str,
    act: Callable[[str], Statistics],
) -> int:
    """Do it to each and print its name; with --print-stats, podman's JSON at the end instead."""
    found: list[Statistics] = []
    began = time.monotonic()
    wanted = arguments.flag("print-stats")
    code = each(context, names, lambda name: found.append(act(name)), quiet=wanted)
    if wanted:
        import json

        document = {
            f"podman_{doing}_duration": int((time.monotonic() - began) * 1e6),
            "container_statistics": [one.document(doing) for one in found],
        }
        context.print(json.dumps(document, indent=4))
    return code
