"""What is checked, and how often: a container's own healthcheck over its image's.

The fields are those of the image config (Docker's: Test, Interval, Timeout, StartPeriod,
Retries; nanoseconds, 0 for the default); a startup check has Successes too.
"""

from __future__ import annotations

from ...errors import InvalidArgument
from ...value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..request import ContainerRequest

_INTERVAL = 30.0
_TIMEOUT = 30.0
_RETRIES = 3
_NANOSECOND = 1e-9


class Check(Value):
    """A command and its times in seconds. interval: 0 when it is only run by hand.

    retries: failures in a row until it counts as failed; of a startup check, until the
    container is restarted (0: never). successes: of a startup check, until it has passed.
    """

    command: tuple[str, ...]
    interval: float
    timeout: float
    start_period: float
    retries: int
    successes: int = 1


class Plan(Value):
    """startup: the check that must pass before the regular one begins."""

    check: Check
    startup: Check | None
    on_failure: str


def plan(request: ContainerRequest, image: Mapping[str, Any]) -> Plan | None:
    """The plan of a container of an image with that config; None where nothing is checked.

    Raises InvalidArgument for a check that cannot be.
    """
    merged = {**(image.get("Healthcheck") or {}), **(request.healthcheck or {})}
    check = _check(merged)
    if check is None:
        return None
    startup = request.startup_healthcheck
    return Plan(check, _startup(startup) if startup else None, request.health_on_failure)


def validate(request: ContainerRequest, image: Mapping[str, Any]) -> None:
    """Raises InvalidArgument for options that mean nothing together."""
    wanted = request.healthcheck or request.startup_healthcheck
    notified = request.sdnotify == "healthy"
    if wanted is None and request.health_on_failure == "none" and not notified:
        return
    found = plan(request, image)
    if notified and found is None:
        raise InvalidArgument('sdnotify policy "healthy" requires a healthcheck to be set')
    if request.startup_healthcheck is not None and found is None:
        raise InvalidArgument("cannot set a startup healthcheck without a healthcheck")
    if request.health_on_failure != "none" and found is None:
        raise InvalidArgument(
            f"cannot set on-failure action to {request.health_on_failure} without a health check"
        )
    if request.health_on_failure == "restart" and request.auto_remove:
        raise InvalidArgument("the --rm option conflicts with --health-on-failure=restart")
    if request.healthcheck and found is None and (request.healthcheck.get("Test") or [""]) == [""]:
        raise InvalidArgument("healthcheck options need --health-cmd, or an image that has one")


def _check(fields: Mapping[str, Any]) -> Check | None:
    command = _command(fields.get("Test") or ())
    if not command:
        return None
    return Check(
        command,
        # "disable" is stored as -1: nothing runs it but `healthcheck run`.
        _seconds(fields, "Interval", _INTERVAL),
        _seconds(fields, "Timeout", _TIMEOUT),
        _seconds(fields, "StartPeriod", 0.0),
        int(fields.get("Retries") or _RETRIES),
    )


def _startup(fields: Mapping[str, Any]) -> Check | None:
    found = _check(fields)
    if found is None:
        return None
    return found.replace(
        start_period=0.0,
        retries=int(fields.get("Retries") or 0),
        successes=int(fields.get("Successes") or 1),
    )


def _command(test: object) -> tuple[str, ...]:
    """The words to execute; none for an empty test and for NONE."""
    words = tuple(str(word) for word in test) if isinstance(test, (list, tuple)) else ()
    kind = words[0] if words else ""
    if kind in ("", "NONE"):
        return ()
    if kind == "CMD":
        return words[1:]
    if kind == "CMD-SHELL":
        return ("/bin/sh", "-c", " ".join(words[1:]))
    return words  # as early Docker wrote it


def _seconds(fields: Mapping[str, Any], name: str, default: float) -> float:
    nanoseconds = fields.get(name) or 0
    if nanoseconds < 0:
        return 0.0
    return float(nanoseconds) * _NANOSECOND if nanoseconds else default
