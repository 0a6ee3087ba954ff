"""runc, the reference runtime (opencontainers/runc)."""

from __future__ import annotations

from ..contracts.runtime import Adapted
from ..hookspecs import hookimpl
from .adapting import without_missing_weight
from .family import RuncFamily, create

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.runtime import OCIRuntime, OCISpec, RuntimeConfig


class Runc(RuncFamily):
    """The driver of runc."""

    name = "runc"
    binaries = ("runc",)
    notify_name = "notify/notify.sock"

    def adapt(self, spec: OCISpec) -> Adapted:
        warnings: list[str] = []
        files = ("blkio.weight", "blkio.bfq.weight")
        return Adapted(without_missing_weight(spec, files, warnings), tuple(warnings))


@hookimpl
def rundlet_oci_runtime(name: str, config: RuntimeConfig) -> OCIRuntime | None:
    """Make the driver."""
    return create(Runc, name, config)
