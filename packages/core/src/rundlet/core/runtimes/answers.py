"""What the subcommands of a runtime of runc's family answer."""

from __future__ import annotations

from .. import json
from ..contracts.runtime import RuntimeState
from ..errors import RuntimeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..contracts.runtime import Status
    from ..linux.processes import Finished

_STATUS = frozenset(("creating", "created", "running", "paused", "stopped"))


def text_of(done: Finished) -> str:
    """Its words, of whichever stream."""
    return (done.stderr or done.stdout).decode(errors="replace")


def object_of(name: str, data: bytes) -> dict[str, Any]:
    """A JSON object. Raises RuntimeFailed naming the runtime."""
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RuntimeFailed(f"{name}: answered with something that is not JSON: {data[:80]!r}")
    return found


def state_of(answer: dict[str, Any]) -> RuntimeState:
    """What `state` says (runtime-spec runtime.md#state)."""
    status: Status = answer["status"] if answer.get("status") in _STATUS else "stopped"
    pid = int(answer.get("pid") or 0)
    return RuntimeState(
        str(answer.get("id", "")),
        status,
        pid if pid > 0 and status != "stopped" else 0,
        str(answer.get("bundle", "")),
    )
