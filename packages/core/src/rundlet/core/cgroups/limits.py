"""Limits that no machine, or not this one, can give: refused before anything is made."""

from __future__ import annotations

from ..errors import InvalidArgument
from .layout import hierarchies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..containers.request import Resources

PERIOD = 100000
"""Microseconds that a CPU quota is for, where nothing else is said (the kernel's CFS)."""

_LEAST, _LONGEST = 1000, 1000000  # microseconds
_FILES = {"cpus": "requested CPUs", "mems": "requested memory nodes"}


def check(limits: Resources) -> None:
    """Raises InvalidArgument, in podman's words."""
    quota, period = limits.cpu_quota or 0, limits.cpu_period
    if limits.cpus:
        quota = int(limits.cpus * PERIOD) or 1
    if 0 < quota < _LEAST:
        raise InvalidArgument(f"CPU cfs quota cannot be less than 1ms (i.e. {_LEAST})")
    if period and not _LEAST <= period <= _LONGEST:
        raise InvalidArgument(
            f"CPU cfs period cannot be less than 1ms (i.e. {_LEAST}) or larger than 1s"
            f" (i.e. {_LONGEST})"
        )
    for kind, wanted in (("cpus", limits.cpuset_cpus), ("mems", limits.cpuset_mems)):
        if wanted:
            _check_set(kind, wanted)


def _check_set(kind: str, wanted: str) -> None:
    there = _there(kind)
    try:
        missing = _numbers(wanted) - _numbers(there)
    except ValueError:
        raise InvalidArgument(f"invalid value {wanted} for cpuset {kind}") from None
    if there and missing:
        raise InvalidArgument(
            f"{_FILES[kind]} are not available - requested {wanted}, available: {there}"
        )


def _there(kind: str) -> str:
    """What the root cgroup has, as a list; "" where there is no telling."""
    points, unified = hierarchies()
    point = points.get("cpuset")
    path = f"{point}/cpuset.{kind}" if point else f"{unified}/cpuset.{kind}.effective"
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _numbers(text: str) -> set[int]:
    """Of "0-3,7" (cpuset(7), list format). Raises ValueError."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found
