"""Attaching to a container that runs already."""

from __future__ import annotations

from ..contracts.monitor import Streams
from ..errors import WrongState
from . import log_driver, notify
from .paths import Paths
from .run import after
from .signals import Forwarding, to_container
from .state import derive
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container


def attach(
    engine: Engine, row: Container, streams: Streams, *, sig_proxy: bool = True
) -> tuple[str, int]:
    """Attach to a running container: ("exited", its exit code) or ("detached", 0).

    Raises WrongState when it does not run, or its monitor was killed.
    """
    true = derive(engine, row)
    if true.status != "running":
        raise WrongState(
            "you can only attach to running containers",
            remedy=f"container {row.name} is {true.status}",
        )
    request = request_of(row.request)
    if log_driver.passes(engine, request):
        raise WrongState(
            "this container is using the 'passthrough' log driver, cannot attach",
            remedy="its output is where it was started",
        )
    monitor = engine.plugins.runtime(row.runtime).monitor()
    attached = monitor.attach(Paths(engine, row.id).bundle, row.id, terminal=request.terminal)
    notify.event(engine, true, "attach")
    try:
        if not request.stdin:
            streams = streams.replace(stdin=-1)
        with Forwarding(to_container(engine, true), sig_proxy):
            how = attached.pump(streams)
            code = after(engine, true) if how == "exited" else 0
    finally:
        attached.close()
    return how, code
