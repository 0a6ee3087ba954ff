"""Restart policies, carried out by the exit command: there is no daemon (podman-run(1) --restart).

The process of a container that has a policy is cleaned up after by the exit command alone,
which then starts it again. Whoever stops or kills a container by hand leaves a mark in its bundle.
"""

from __future__ import annotations

import os
import time

from ..errors import InvalidArgument, NoSuchContainer
from ..state import containers as rows
from ..value import Value
from . import notify
from .paths import Paths
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest

_NAMES = ("", "no", "never", "always", "on-failure", "unless-stopped")
_STEADY = 10 * 10**9
"""Nanoseconds after which a run counts as one that went well: the next restart is immediate."""
_LONGEST_PAUSE = 60.0


class Policy(Value):
    """name: "no", "always", "on-failure", "unless-stopped". retries: 0 for any number."""

    name: str = "no"
    retries: int = 0


def policy(text: str) -> Policy:
    """The policy of "always", "on-failure:3". Raises InvalidArgument."""
    name, colon, count = text.partition(":")
    if name not in _NAMES:
        raise InvalidArgument(
            f"invalid restart policy {text!r}",
            remedy="use no, always, on-failure[:max_retries] or unless-stopped",
        )
    if colon and (name != "on-failure" or not count.isdecimal()):
        raise InvalidArgument(
            f"invalid restart policy {text!r}: only on-failure takes a number of retries"
        )
    return Policy(name if name not in ("", "never") else "no", int(count or 0))


def has_policy(request: ContainerRequest) -> bool:
    """Whether the exit command may have to start the container again."""
    return request.exit_command and policy(request.restart).name != "no"


def mark_stopped(engine: Engine, row: Container) -> None:
    """Note that somebody wants it to be stopped."""
    try:
        os.close(os.open(Paths(engine, row.id).stopped, os.O_CREAT | os.O_CLOEXEC, 0o600))
    except FileNotFoundError:
        return  # it was removed just now


def stopped(engine: Engine, container: str) -> bool:
    """Whether somebody has stopped a container since it was started."""
    return os.path.exists(Paths(engine, container).stopped)


def forget_stopped(paths: Paths) -> None:
    """It is started: nobody wants it to be stopped any more."""
    try:
        os.unlink(paths.stopped)
    except FileNotFoundError:
        pass


def due(engine: Engine, row: Container) -> bool:
    """Whether an exited container is to be started again."""
    request = request_of(row.request)
    if not has_policy(request) or row.status != "exited":
        return False
    if stopped(engine, row.id):
        return False
    wanted = policy(request.restart)
    if wanted.name != "on-failure":
        return True
    return row.exit_code != 0 and (wanted.retries == 0 or row.restarts < wanted.retries)


def pause(row: Container) -> float:
    """Seconds to wait: none after a long run, else doubled each time, at most a minute."""
    if row.finished - row.started >= _STEADY or row.restarts == 0:
        return 0.0
    return float(min(_LONGEST_PAUSE, 0.1 * 2 ** min(row.restarts - 1, 12)))


def again(engine: Engine, container: str) -> None:
    """After the cleanup: start the container again where its policy says so.

    Raises what a start raises.
    """
    row = rows.by_id(engine.database, container)
    if row is None or not due(engine, row):
        return
    from .start import start_held  # most containers end once

    time.sleep(pause(row))
    with engine.locks.hold("container", container):
        fresh = rows.by_id(engine.database, container)
        if fresh is None or fresh.finished != row.finished or not due(engine, fresh):
            return  # removed, stopped or started by somebody meanwhile
        notify.event(engine, fresh, "restart")
        try:
            start_held(engine, fresh, restarts=fresh.restarts + 1, again=True).close()
        except NoSuchContainer:
            return
