"""What a killed server left half done is undone when the next one starts."""

from __future__ import annotations

import logging

from rundlet.core import Engine
from rundlet.core.containers import abandoned
from rundlet.core.errors import RundletError
from rundlet.core.plugins import kept

from ..containers import life
from ..containers.record import unfinished
from . import record, stop

LOG = logging.getLogger("rundlet.cri")


def repair(engine: Engine) -> None:
    """Remove what nobody goes on making or removing; give back sandboxes of another boot; end
    probes that nobody waits for; delete what pulls have left.
    """
    for container in unfinished(engine):
        try:
            life.discard(engine, container)
        except (RundletError, OSError) as error:
            LOG.error("container %s: %s", container, error)
    for container in life.live(engine):
        abandoned.end_commands(engine, container)
    for pod in record.everything(engine):
        try:
            if pod.abandoned:
                stop.remove(engine, pod.id)
            elif pod.state == "ready" and not pod.ready:
                stop.stop(engine, pod.id)
        except (RundletError, OSError) as error:
            LOG.error("pod %s: %s", pod.id, error)
    _forget_runtimes(engine)
    try:
        engine.layers.collect()
    except (RundletError, OSError) as error:
        LOG.error("what pulls have left: %s", error)


def _forget_runtimes(engine: Engine) -> None:
    """Tables of runtimes that neither a pod nor a container has: nothing is under way yet."""
    found = engine.database.rows("SELECT DISTINCT runtime FROM containers")
    used = {str(runtime) for (runtime,) in found}
    kept.collect(engine.settings, used | {pod.runtime for pod in record.everything(engine)})
