"""crun (containers/crun): fast, small, in C.

On a hybrid machine crun refuses to create containers while the cgroup2 hierarchy at
/sys/fs/cgroup/unified has controllers of its own ("cgroups in hybrid mode not supported,
drop all controllers from cgroupv2"). Its containers only use the v1 hierarchies there, so
it is run where that hierarchy is not mounted (hybrid.py): crun then sees a plain v1 machine.
Only `create` and `exec` (by the monitor) need this; the other commands work as they are.
"""

from __future__ import annotations

import os
import time

from .. import json
from ..cgroups.layout import layout
from ..contracts.runtime import Adapted, RuntimeFeatures
from ..errors import NoSuchContainer, RundletError, RuntimeFailed
from ..hookspecs import hookimpl
from . import endless
from .adapting import without_missing_weight
from .family import RuncFamily, create
from .filters import ANNOTATION, Filters
from .sealed import sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..contracts.runtime import OCIRuntime, OCISpec, RuntimeConfig
    from ..monitor.conmon import ConmonMonitor

# Where crun looks, whatever is mounted elsewhere (src/libcrun/cgroup-utils.c).
UNIFIED = "/sys/fs/cgroup/unified"
_FREEZING = 10.0  # seconds


class Crun(RuncFamily):
    """The driver of crun.

    Options: `hybrid = "direct"` never hides the cgroup2 hierarchy; `keep_filters = false` has
    every container's seccomp filter compiled anew (filters.py); `sealed = false` starts the binary
    itself, not a copy in memory (sealed.py).
    """

    name = "crun"
    binaries = ("crun",)
    notify_name = "notify/notify"
    no_cgroup = ("--cgroup-manager=disabled",)

    def __init__(self, config: RuntimeConfig) -> None:
        super().__init__(config)
        self._compiling: Mapping[str, Any] | None = None

    def program(self) -> str:
        # Under another name (krun) it is another runtime: it goes by the name it is started by.
        if os.path.basename(self.path) != "crun" or self.config.options.get("sealed") is False:
            return self.path
        return sealed(self.path)

    def hides_unified(self) -> bool:
        """Whether crun must be run where /sys/fs/cgroup/unified is not mounted."""
        if self.config.options.get("hybrid") == "direct":
            return False
        try:
            with open(f"{UNIFIED}/cgroup.controllers", encoding="utf-8") as file:
                controllers = file.read().strip()
        except OSError:
            return False
        return bool(controllers) and layout("cgroupfs").version == "hybrid"

    def monitor_kind(self) -> type[ConmonMonitor]:
        if not self.hides_unified():
            return super().monitor_kind()
        from .hybrid import HybridMonitor

        return HybridMonitor

    def adapt(self, spec: OCISpec) -> Adapted:
        warnings: list[str] = []
        adapted = without_missing_weight(spec, ("blkio.weight",), warnings)
        if "root" in spec:
            adapted = _without_endless_quota(adapted)
        return Adapted(self._with_filter(adapted), tuple(warnings))

    def _with_filter(self, spec: OCISpec) -> OCISpec:
        """Give crun the seccomp filter that it has compiled before, if it has."""
        seccomp = spec.get("linux", {}).get("seccomp")
        annotations = spec.get("annotations", {})
        self._compiling = None
        if not seccomp or seccomp.get("listenerPath") or ANNOTATION in annotations:
            return spec
        if self.config.options.get("keep_filters", True) is False:
            return spec
        kept = self._filters().find(seccomp)
        if not kept:
            self._compiling = seccomp
            return spec
        return {**spec, "annotations": {**annotations, ANNOTATION: kept}}

    def start(self, container: str) -> None:
        super().start(container)
        if self._compiling is not None:
            self._filters().keep(self._compiling, f"{self.config.root}/{container}/seccomp.bpf")

    def pause(self, container: str) -> None:
        """As `pause` of the contract. Raises RuntimeFailed for processes that cannot be stopped."""
        super().pause(container)
        # In cgroups v1 processes stop one by one (FREEZING), which crun does not wait for.
        deadline = time.monotonic() + _FREEZING
        while (known := self.state(container)) is not None and known.status == "running":
            if time.monotonic() > deadline:
                self.resume(container)
                raise RuntimeFailed(f"{self.name}: container {container}: processes do not stop")
            time.sleep(0.002)

    def update(self, container: str, resources: Mapping[str, Any]) -> None:
        if not endless.is_endless(resources):
            super().update(container, resources)
            return
        before = endless.lift(layout(self._manager()), self._cgroups_path(container))
        try:
            if rest := endless.without_quota(resources):
                super().update(container, rest)
        except RundletError:
            endless.restore(before)
            raise

    def _manager(self) -> str:
        return "systemd" if self.config.systemd_cgroup else "cgroupfs"

    def _cgroups_path(self, container: str) -> str:
        """The `cgroupsPath` of a container's bundle. Raises NoSuchContainer, RuntimeFailed."""
        known = self.state(container)
        if known is None:
            raise NoSuchContainer(container)
        try:
            with open(f"{known.bundle}/config.json", "rb") as file:
                return str(json.loads(file.read())["linux"]["cgroupsPath"])
        except (OSError, ValueError, KeyError) as error:
            raise RuntimeFailed(f"{known.bundle}/config.json: no cgroupsPath: {error}") from None

    def _filters(self) -> Filters:
        return Filters(f"{self.config.root}.filters", self.path)

    def remark(self) -> str:
        if not self.hides_unified():
            return ""
        return f"hybrid cgroups: run in a mount namespace without {UNIFIED}"

    def features(self) -> RuntimeFeatures:
        """crun has a `features` command since 1.8.6; before, its version tells some."""
        found = super().features()
        if found.document:
            return found
        tags = self.facts().details
        return found.replace(
            checkpoint="+CRIU" in tags and found.checkpoint,
            seccomp="+SECCOMP" in tags,
            recursive_read_only=True,
        )


def _without_endless_quota(spec: OCISpec) -> OCISpec:
    """Leave out of a new container's spec the quota that its new cgroup has anyway."""
    linux = spec.get("linux", {})
    limits = linux.get("resources", {})
    if not endless.is_endless(limits):
        return spec
    return {**spec, "linux": {**linux, "resources": endless.without_quota(limits)}}


@hookimpl
def rundlet_oci_runtime(name: str, config: RuntimeConfig) -> OCIRuntime | None:
    """Make the driver."""
    return create(Crun, name, config)
