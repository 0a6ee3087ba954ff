"""Limits that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from rundlet.core.cgroups import limits
from rundlet.core.containers.request import Resources
from rundlet.core.errors import InvalidArgument


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_there", {"cpus": "0-3,7", "mems": ""}.get)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"cpu_quota": 999}, "quota cannot be less"),
        ({"cpus": 0.009}, "quota cannot be less"),
        ({"cpus": 0.000001}, "quota cannot be less"),
        ({"cpu_period": 999}, "period cannot be less"),
        ({"cpu_period": 1000001}, "larger than 1s"),
        ({"cpuset_cpus": "0,4"}, "requested 0,4, available: 0-3,7"),
        ({"cpuset_cpus": "0-x"}, "invalid value 0-x"),
    ],
)
def test_refused(wanted: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        limits.check(Resources(**wanted))


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"cpu_quota": -1, "cpu_period": 1000},
        {"cpus": 0.01},
        {"cpuset_cpus": "1-2,7", "cpuset_mems": "5"},  # no telling which nodes there are
    ],
)
def test_taken(wanted: dict[str, Any]) -> None:
    limits.check(Resources(**wanted))
