"""`--health-*`: a healthcheck as the image config has it (times in nanoseconds)."""

from __future__ import annotations

from rundlet.core.commands.parse import duration
from rundlet.core.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Parsed


def healthcheck(arguments: Parsed) -> dict[str, Any]:
    """The healthcheck object; Test ["NONE"] disables the image's. Raises InvalidArgument."""
    command = arguments.text("health-cmd")
    if arguments.flag("no-healthcheck"):
        if command:
            raise InvalidArgument("cannot specify both --no-healthcheck and --health-cmd")
        return {"Test": ["NONE"]}
    if not command:
        raise InvalidArgument("healthcheck options need --health-cmd")
    return {
        "Test": _test(command),
        "Interval": _time(arguments, "health-interval", "30s"),
        "Timeout": _time(arguments, "health-timeout", "30s"),
        "StartPeriod": _time(arguments, "health-start-period", "0s"),
        "Retries": arguments.number("health-retries") or 3,
    }


def _test(command: str) -> list[str]:
    if command.lower() == "none":
        return ["NONE"]
    if command.startswith("["):
        import json

        try:
            return ["CMD", *json.loads(command)]
        except ValueError:
            pass
    return ["CMD-SHELL", command]


def _time(arguments: Parsed, name: str, default: str) -> int:
    text = arguments.text(name) or default
    if text == "disable":
        return 0
    try:
        return int(duration(text) * 1e9)
    except ValueError:
        raise InvalidArgument(
            f"invalid --{name} {text!r}", remedy="Give a time like 30s."
        ) from None
