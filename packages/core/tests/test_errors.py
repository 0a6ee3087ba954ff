"""The error tree: every type has the three codes that the tools need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rundlet.core import errors

GRPC = {
    "UNKNOWN", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION",
    "UNAVAILABLE", "DEADLINE_EXCEEDED", "PERMISSION_DENIED", "UNIMPLEMENTED", "DATA_LOSS",
    "RESOURCE_EXHAUSTED", "INTERNAL", "UNAUTHENTICATED",
}  # fmt: skip


def every(base: type[errors.RundletError]) -> Iterator[type[errors.RundletError]]:
    yield base
    for child in base.__subclasses__():
        yield from every(child)


@pytest.mark.parametrize("kind", list(every(errors.RundletError)), ids=lambda k: k.__name__)
def test_codes(kind: type[errors.RundletError]) -> None:
    assert kind.cri_status in GRPC
    assert 400 <= kind.http_status < 600
    assert kind.exit_code in (1, 2, 125, 126, 127)
    assert kind.__doc__


def test_remedy_follows_the_message() -> None:
    error = errors.NoSpace("disk full", remedy="Free some space.")
    assert str(error) == "disk full\nFree some space."


def test_not_found_names_the_thing() -> None:
    assert str(errors.NoSuchImage("alpine")) == "alpine: image not known"
    assert errors.CommandNotFound("x").exit_code == 127
    assert errors.CommandNotExecutable("x").exit_code == 126
