"""`--health-*`: a healthcheck as the image config has it (times in nanoseconds)."""

from __future__ import annotations

import os

from rundlet.core.commands.values import duration
from rundlet.core.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rundlet.core.commands.context import Parsed

_DISABLED = -1  # an interval: only `healthcheck run` checks


def health(arguments: Parsed) -> dict[str, Any]:
    """The fields of ContainerRequest that --health-* set. Raises InvalidArgument."""
    fields: dict[str, Any] = {
        "healthcheck": _healthcheck(arguments),
        "startup_healthcheck": _startup(arguments),
    }
    if "health-on-failure" in arguments.given:
        fields["health_on_failure"] = arguments.text("health-on-failure")
    if "health-log-destination" in arguments.given:
        fields["health_log_destination"] = _destination(arguments.text("health-log-destination"))
    for name in ("health-max-log-count", "health-max-log-size"):
        if name in arguments.given:
            fields[name.replace("-", "_")] = arguments.number(name) or 0
    return fields


_KEYS = (
    ("interval", "Interval"),
    ("timeout", "Timeout"),
    ("start-period", "StartPeriod"),
    ("retries", "Retries"),
    ("success", "Successes"),
)


def changes(arguments: Parsed) -> dict[str, Any]:
    """As `health`, only with what was given (`update`). Raises InvalidArgument."""
    checks = {"health-": "healthcheck", "health-startup-": "startup_healthcheck"}
    if arguments.flag("no-healthcheck") and any(_given(arguments, prefix) for prefix in checks):
        raise InvalidArgument("cannot specify both --no-healthcheck and --health-cmd")
    others = {"health-on-failure", "health-log-destination", "health-max-log-count",
              "health-max-log-size"}  # fmt: skip
    values = {**arguments.values, "health-cmd": "", "health-startup-cmd": ""}
    plain = type(arguments)(values, (), arguments.given & others)
    found = {key: value for key, value in health(plain).items() if value is not None}
    for prefix, field in checks.items():
        check = _given(arguments, prefix)
        if check:
            found[field] = check
    return found


def _given(arguments: Parsed, prefix: str) -> dict[str, Any]:
    """The keys of a healthcheck whose flags, of this prefix, were typed."""
    found: dict[str, Any] = {}
    command = arguments.text(f"{prefix}cmd")
    if command:
        found["Test"] = _test(command)
    for name, key in _KEYS:
        flag = prefix + name
        if flag not in arguments.given:
            continue
        if key in ("Retries", "Successes"):
            found[key] = arguments.number(flag) or 0
        else:
            found[key] = _time(arguments, flag, "30s")
    return found


def _healthcheck(arguments: Parsed) -> dict[str, Any] | None:
    """The healthcheck object; Test ["NONE"] disables the image's.

    Without --health-cmd only what was given: it changes the image's healthcheck.
    """
    command = arguments.text("health-cmd")
    if arguments.flag("no-healthcheck"):
        if command:
            raise InvalidArgument("cannot specify both --no-healthcheck and --health-cmd")
        return {"Test": ["NONE"]}
    found: dict[str, Any] = {"Test": _test(command)} if command else {}
    for name, field, default in (
        ("health-interval", "Interval", "30s"),
        ("health-timeout", "Timeout", "30s"),
        ("health-start-period", "StartPeriod", "0s"),
    ):
        if command or name in arguments.given:
            found[field] = _time(arguments, name, default)
    if command or "health-retries" in arguments.given:
        found["Retries"] = _retries(arguments)
    return found or None


def _retries(arguments: Parsed) -> int:
    if "health-retries" not in arguments.given:
        return 3
    count = arguments.number("health-retries") or 0
    if count < 1:
        raise InvalidArgument("healthcheck-retries must be greater than 0")
    return count


def _startup(arguments: Parsed) -> dict[str, Any] | None:
    command = arguments.text("health-startup-cmd")
    if not command:
        if any(name.startswith("health-startup-") for name in arguments.given):
            raise InvalidArgument("startup healthcheck options need --health-startup-cmd")
        return None
    return {
        "Test": _test(command),
        "Interval": _time(arguments, "health-startup-interval", "30s"),
        "Timeout": _time(arguments, "health-startup-timeout", "30s"),
        "Retries": arguments.number("health-startup-retries") or 0,
        "Successes": arguments.number("health-startup-success") or 0,
    }


def _destination(text: str) -> str:
    if text in ("", "local"):
        return "local"
    if text != "events_logger" and not os.path.isdir(text):
        raise InvalidArgument(
            f"HealthCheck Log {text!r} destination error: no such directory",
            remedy="use local, events_logger or a directory",
        )
    return text if text == "events_logger" else os.path.abspath(text)


def _test(command: str) -> list[str]:
    """A JSON list, or words of a shell; a first word CMD, CMD-SHELL or NONE says how it is meant.

    As podman, a list without such a word is run as it is, but one word alone by the shell.
    """
    words = _json_words(command)
    if words == []:
        raise InvalidArgument("must define a healthcheck command for all healthchecks")
    listed = words is not None
    if words is None:
        words = command.split(" ", 1)
    kind = words[0].upper()
    if kind == "NONE":
        return ["NONE"]
    if kind == "CMD":
        return ["CMD", *(words[1:] if listed else command.split()[1:])]
    if kind == "CMD-SHELL":
        return ["CMD-SHELL", *words[1:]]
    return ["CMD", *words] if listed and len(words) > 1 else ["CMD-SHELL", " ".join(words)]


def _json_words(text: str) -> list[str] | None:
    if not text.startswith("["):
        return None
    from rundlet.core import json

    try:
        words = json.loads(text)
    except ValueError:
        return None
    return words if all(isinstance(word, str) for word in words) else None


def _time(arguments: Parsed, name: str, default: str) -> int:
    text = arguments.text(name) or default
    if text == "disable" and name.endswith("interval"):
        return _DISABLED
    try:
        found = int(duration(text) * 1e9)
    except ValueError:
        raise InvalidArgument(
            f"invalid --{name} {text!r}", remedy="Give a time like 30s."
        ) from None
    if found < 0 or (found == 0 and name.endswith("timeout")):
        least = "at least 1 second" if name.endswith("timeout") else "0 seconds or greater"
        raise InvalidArgument(f"{name} must be {least}")
    return found
