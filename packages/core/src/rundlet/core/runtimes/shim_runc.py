"""runc by containerd's shim (containerd-shim-runc-v2), which stays the parent of its containers.

Options of its table in `rundlet.toml`, below `options`, are containerd's: BinaryName (another
runtime with runc's command line), NoPivotRoot, NoNewKeyring, ShimCgroup, IoUid, IoGid,
SystemdCgroup, CriuImagePath, CriuWorkPath.
"""

from __future__ import annotations

from ..contracts.runtime import Adapted, Checkpointing, RuntimeConfig, RuntimeFeatures
from ..errors import DriverUnavailable, NotSupported
from ..hookspecs import hookimpl
from ..spec.notes import SANDBOX
from .adapting import without_missing_weight
from .family import create
from .runc import Runc
from .shim.api import CHECKPOINT, RUNC, RUNC_CHECKPOINT, RUNC_OPTIONS
from .shim.runtime import ShimRuntime, containerd_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..contracts.probe import Probe
    from ..contracts.runtime import OCIRuntime, OCISpec

_GROUP = "io.kubernetes.cri.sandbox-id"
"""The annotation that the shim looks for when it starts."""


class ShimRunc(ShimRuntime):
    """The driver of containerd-shim-runc-v2."""

    name = "shim-runc-v2"
    binaries = ("containerd-shim-runc-v2",)
    options_type = RUNC_OPTIONS
    options_message = RUNC

    @property
    def sandboxed_pods(self) -> bool:
        """Not needed; `sandbox = true` in the table has it all the same, as with Kata."""
        return bool(self.config.options.get("sandbox", False))

    def options(self) -> dict[str, Any]:
        given = containerd_options(self.name, self.config, RUNC)
        return {
            "binary_name": self.runc().path,
            "root": f"{self.config.root}.runc",
            "systemd_cgroup": self.config.systemd_cgroup,
            "no_pivot_root": bool(self.config.options.get("no_pivot")),
            "no_new_keyring": bool(self.config.options.get("no_new_keyring")),
            **given,
        }

    def runc(self) -> Runc:
        """The driver of what the shim runs, for its features."""
        wanted = str(self.config.options.get("options", {}).get("BinaryName", ""))
        return Runc(RuntimeConfig(f"{self.config.root}.runc", path=wanted))

    def probe(self) -> Probe:
        found = super().probe()
        if not found.works:
            return found
        try:
            return found.replace(details={**found.details, "runc": self.runc().path})
        except DriverUnavailable as error:
            return found.replace(works=False, reason=str(error).replace("\n", "; "))

    def adapt(self, spec: OCISpec) -> Adapted:
        """Also, containers of a pod get the annotation by which they share a shim."""
        warnings: list[str] = []
        files = ("blkio.weight", "blkio.bfq.weight")
        adapted = without_missing_weight(spec, files, warnings)
        annotations = adapted.get("annotations", {})
        if SANDBOX in annotations:
            group = {_GROUP: annotations[SANDBOX]}
            adapted = {**adapted, "annotations": {**group, **annotations}}
        return Adapted(adapted, tuple(warnings))

    def features(self) -> RuntimeFeatures:
        """Those of the runc that the shim runs."""
        return self.runc().features()

    def checkpoint(self, container: str, options: Checkpointing) -> None:
        from .shim import protobuf

        if options.pre or options.parent or options.tcp_established or options.file_locks:
            raise NotSupported("the runc shim takes no options for checkpoints but to go on")
        wanted = {"exit": not options.leave_running, "work_path": options.work}
        self.call(
            "Checkpoint",
            container,
            path=options.image,
            options={"type_url": RUNC_CHECKPOINT, "value": protobuf.encode(CHECKPOINT, wanted)},
        )


@hookimpl
def rundlet_oci_runtime(name: str, config: RuntimeConfig) -> OCIRuntime | None:
    """Make the driver."""
    return create(ShimRunc, name, config)
