"""How checks went: the file that inspect's State.Health is read from."""

from __future__ import annotations

import os

from ... import json
from ...linux.processes import partial_name
from ...value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...engine import Engine
    from ..request import ContainerRequest


class Attempt(Value):
    """One check. start, end: nanoseconds since the epoch. code: the command's exit code."""

    start: int
    end: int
    code: int
    output: str


class Record(Value):
    """status: "starting", "healthy", "unhealthy". streak: failures in a row.

    started: whether the startup check has passed; passes, failures: of it so far.
    """

    status: str = "starting"
    streak: int = 0
    attempts: tuple[Attempt, ...] = ()
    started: bool = False
    passes: int = 0
    failures: int = 0


def path(engine: Engine, container: str, request: ContainerRequest) -> str:
    """Where the record is: in the bundle, or in the directory of --health-log-destination."""
    directory = request.health_log_destination
    if directory in ("", "local", "events_logger"):
        return f"{engine.settings.graph_root}/containers/{container}/healthcheck.log"
    return f"{directory}/{container}-healthcheck.log"


def read(file: str) -> Record:
    """The record; an empty one where there is none that can be read."""
    try:
        with open(file, encoding="utf-8") as stream:
            fields = json.load(stream)
        attempts = tuple(Attempt(**one) for one in fields.pop("attempts"))
        return Record(**fields, attempts=attempts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Record()


def write(file: str, record: Record) -> None:
    """Replace the record in one step. Raises OSError."""
    fields = {**record.as_dict(), "attempts": [one.as_dict() for one in record.attempts]}
    temporary = partial_name(file)
    with open(temporary, "w", encoding="utf-8") as stream:
        json.dump(fields, stream)
    os.replace(temporary, file)


def added(record: Record, attempt: Attempt, request: ContainerRequest) -> Record:
    """With one more attempt, in the limits of --health-max-log-count and -size (0: none)."""
    size, count = request.health_max_log_size, request.health_max_log_count
    if size:
        attempt = attempt.replace(output=attempt.output[:size])
    attempts = (*record.attempts, attempt)
    return record.replace(attempts=attempts[-count:] if count else attempts)


def document(record: Record, status: str) -> dict[str, Any]:
    """podman inspect's State.Health."""
    from ...format.times import rfc3339

    return {
        "Status": status,
        "FailingStreak": record.streak,
        "Log": [
            {
                "Start": rfc3339(one.start),
                "End": rfc3339(one.end),
                "ExitCode": one.code,
                "Output": one.output,
            }
            for one in record.attempts
        ]
        or None,
    }
