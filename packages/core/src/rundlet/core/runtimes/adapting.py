"""Making a spec fit for a runtime: what more than one driver needs."""

from __future__ import annotations

import os

from ..cgroups.layout import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.runtime import OCISpec


def without_missing_weight(spec: OCISpec, files: tuple[str, ...], warnings: list[str]) -> OCISpec:
    """Drop `blockIO.weight` where the v1 hierarchy has none of the files the runtime writes to.

    CFQ's blkio.weight is gone since Linux 5.0; BFQ has blkio.bfq.weight, which not every
    runtime knows. Returns the spec itself when there is nothing to do, else a copy.
    """
    linux = spec.get("linux", {})
    block = linux.get("resources", {}).get("blockIO", {})
    if "weight" not in block:
        return spec
    point = layout("cgroupfs").mounts.get("blkio", "")
    if not point or _has_one(point, files):
        return spec
    warnings.append(f"blkio-weight is ignored: this machine's blkio cgroup has no {files[0]}")
    kept = {key: value for key, value in block.items() if key != "weight"}
    resources = {**linux["resources"], "blockIO": kept}
    if not kept:
        del resources["blockIO"]
    return {**spec, "linux": {**linux, "resources": resources}}


def _has_one(point: str, files: tuple[str, ...]) -> bool:
    """Weights are not in the root cgroup: look into any child (our own parent is one).

    Without any child yet, a runtime that knows BFQ's file is trusted to find it.
    """
    with os.scandir(point) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                return any(os.path.exists(f"{entry.path}/{name}") for name in files)
    return "blkio.bfq.weight" in files
