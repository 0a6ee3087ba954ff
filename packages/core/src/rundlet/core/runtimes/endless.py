"""CPU quotas below 0, "no limit" (runtime-spec config-linux.md#cpu), which crun does not take.

On cgroup v1 crun before 1.9 writes -1 as an unsigned number, which the kernel refuses ("Numerical
result out of range"); on v2 crun leaves `cpu.max` as it is where no period is said beside it
(src/libcrun/cgroup-resources.c). A new cgroup has no limit, so there the quota is left out;
to lift the limit of a running container its file is written here.
"""

from __future__ import annotations

import os

from ..cgroups.container import SUBGROUP, directories
from ..errors import RuntimeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..cgroups.layout import CgroupLayout


def is_endless(resources: Mapping[str, Any]) -> bool:
    """Whether a `linux.resources` has a CPU quota below 0."""
    return bool(resources.get("cpu", {}).get("quota", 0) < 0)


def without_quota(resources: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that says nothing of the CPU quota."""
    cpu = {key: value for key, value in resources["cpu"].items() if key != "quota"}
    rest = {key: value for key, value in resources.items() if key != "cpu"}
    return {**rest, "cpu": cpu} if cpu else rest


def lift(layout: CgroupLayout, path: str) -> dict[str, str]:
    """Take the CPU quota away from the cgroup at a `cgroupsPath`; `restore` takes the answer.

    Returns what was in each file that was written. Raises RuntimeFailed.
    """
    where = directories(layout, path)
    if layout.version == "unified":
        base, name, value = where[""], "cpu.max", "max"  # leaves the period (cgroup-v2.rst)
    else:
        base, name, value = where.get("cpu", ""), "cpu.cfs_quota_us", "-1"
    files = [f"{base}/{name}", f"{base}/{SUBGROUP}/{name}"]
    found = {file: _read(file) for file in files if os.path.exists(file)}
    if not found:
        raise RuntimeFailed(f"no CPU quota can be set: {files[0]} is not there")
    restore(dict.fromkeys(found, value))
    return found


def restore(contents: Mapping[str, str]) -> None:
    """Write files of cgroups. Raises RuntimeFailed."""
    for file, content in contents.items():
        try:
            with open(file, "w", encoding="utf-8") as stream:
                stream.write(content)
        except OSError as error:
            raise RuntimeFailed(f"{file}: cannot write {content}: {error.strerror}") from None


def _read(file: str) -> str:
    with open(file, encoding="utf-8") as stream:
        return stream.read().strip()
