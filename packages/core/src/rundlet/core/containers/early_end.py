"""A container whose process ended between its making and its start: what may have killed it."""

from __future__ import annotations

from ..errors import RuntimeFailed, WrongState
from ..format.units import binary_size
from .state import has_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..errors import RundletError
    from ..state.containers import Container
    from .request import ContainerRequest


def explained(row: Container, request: ContainerRequest, error: RundletError) -> RundletError:
    """What to raise in place of an error of the start: itself, unless memory may be the reason.

    Until it is started, the process is the runtime's own, and needs more memory than many a
    container: under a small limit the kernel kills it (runc needs 4 to 8 MB).
    """
    limit = request.resources.memory
    if not limit or type(error) not in (RuntimeFailed, WrongState) or has_process(row):
        return error
    return RuntimeFailed(
        f"container {row.id} ended before it was started: its memory limit of"
        f" {binary_size(limit)} may be too small for {row.runtime} ({error.message})",
        remedy="give it more by --memory",
    )
