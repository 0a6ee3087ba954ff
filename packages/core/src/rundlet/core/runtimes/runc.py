"""runc, the reference runtime (opencontainers/runc)."""

from __future__ import annotations

from ..hookspecs import hookimpl
from .family import RuncFamily, create

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.runtime import OCIRuntime, RuntimeConfig


class Runc(RuncFamily):
    """The driver of runc."""

    name = "runc"
    binaries = ("runc",)


@hookimpl
def rundlet_oci_runtime(name: str, config: RuntimeConfig) -> OCIRuntime | None:
    """Make the driver."""
    return create(Runc, name, config)
