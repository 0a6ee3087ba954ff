"""A container is created and started, in the foreground until it ends, or detached."""

from __future__ import annotations

import sys

from ..contracts.monitor import Streams
from ..errors import NetworkError, NoSuchContainer, NotInImage, RuntimeFailed
from ..value import Value
from . import cleanup, create, ending
from .paths import Paths
from .restart import has_policy
from .signals import Forwarding, to_container
from .start import start
from .state import UNKNOWN_EXIT, exit_status
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest
    from .source import Pulling
    from .start import Started

EXITED = "exited"
DETACHED = "detached"
_ONLY_WHEN_STARTED = (NotInImage, NetworkError, RuntimeFailed)
"""Errors that podman's `run` meets after the container is made: it exits with 126 then."""


class RunResult(Value):
    """container: its id. how: "exited" or "detached". exit_code: 0 while it runs."""

    container: str
    name: str
    how: str
    exit_code: int = 0


def run(
    engine: Engine,
    request: ContainerRequest,
    streams: Streams | None = None,
    *,
    detach: bool = False,
    sig_proxy: bool = True,
    pulling: Pulling | None = None,
) -> RunResult:
    """Create and start a container, and wait until it has ended: it can be removed then.

    streams: ours, to which it is attached until it ends or the detach keys are typed; with
    None its output goes to its log only. detach: return as soon as it runs, without streams.
    sig_proxy: signals that we get are passed on meanwhile.
    With auto_remove the container is removed when it ends, and also when it cannot be started.
    """
    row = create.create(engine, request, pulling)
    if not detach and streams is None:
        streams = Streams(-1, -1, -1)
    return foreground(engine, row, None if detach else streams, sig_proxy=sig_proxy, created=True)


def foreground(
    engine: Engine,
    row: Container,
    streams: Streams | None,
    *,
    sig_proxy: bool = True,
    created: bool = False,
) -> RunResult:
    """Start a container and, with streams, stay attached to it until it ends.

    created: it was made for this; one with auto_remove goes again when it cannot be started.
    """
    console = (0, 0)
    if streams is not None and streams.terminal:
        from ..monitor.terminal import size

        console = size(streams.stdout)
    try:
        started = start(engine, row, attach=streams is not None, console=console)
    except BaseException as error:  # whatever it is: nobody else would remove it
        if created and row.auto_remove:
            _take_back(engine, row)
        if created and isinstance(error, _ONLY_WHEN_STARTED) and error.exit_code == 125:
            error.exit_code = 126
        raise
    try:
        if streams is None:
            return RunResult(row.id, row.name, DETACHED)
        return _watch(engine, started, streams, sig_proxy)
    finally:
        started.close()


def _take_back(engine: Engine, row: Container) -> None:
    """Remove what could not be started; why that was so is the error, not why this fails, too."""
    try:
        engine.containers.remove(row.id, force=True, volumes=True)
    except Exception as error:
        sys.stderr.write(f"WARN[0000] container {row.id} is left: {error}\n")


def _watch(engine: Engine, started: Started, streams: Streams, sig_proxy: bool) -> RunResult:
    row = started.row
    if not request_of(row.request).stdin:
        streams = streams.replace(stdin=-1)
    with Forwarding(to_container(engine, row), sig_proxy):
        # Without an attachment (--log-driver passthrough) the streams are the container's own.
        how = started.attached.pump(streams) if started.attached is not None else EXITED
        if how == DETACHED:
            return RunResult(row.id, row.name, DETACHED)
        return RunResult(row.id, row.name, EXITED, after(engine, row))


def after(engine: Engine, row: Container) -> int:
    """Wait for the end of a container whose streams have ended, and clean up; its exit code.

    Raises RuntimeFailed for one that lives on without its monitor: nobody has its streams.
    """
    if not ending.wait_watched(row):
        raise RuntimeFailed(
            f"the monitor of container {row.id} was killed; the container runs on",
            remedy="restart it to have its output again",
        )
    ending.wait_exit_file(engine, row)
    code, _ = exit_status(Paths(engine, row.id))
    if has_policy(request_of(row.request)):
        return code  # the exit command does the rest, and may start it again
    try:
        now = cleanup.cleanup(engine, row.id)
    except NoSuchContainer:
        return code  # removed by another
    return now.exit_code if now is not None and code == UNKNOWN_EXIT else code
