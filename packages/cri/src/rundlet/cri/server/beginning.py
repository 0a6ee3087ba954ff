"""What is done before a server serves: the store is whole, and nothing is half done."""

from __future__ import annotations

import logging

from rundlet.core import Engine
from rundlet.core.storage import additional
from rundlet.core.system.check import repair as repair_store

from ..config.setup import config_of
from ..marks import Marks
from ..pods import wipe
from ..pods.repair import repair

LOG = logging.getLogger("rundlet.cri")


def prepare(engine: Engine, marks: Marks) -> None:
    """Repair and wipe as the configuration wants it; have the images of additional stores.

    Raises OSError when it cannot be noted, StoreError for an additional store that is gone.
    """
    config = config_of(engine)
    if marks.interrupted() and config.flag("crio.internal_repair"):
        LOG.warning("the node stopped while a server ran: the store is checked")
        report = repair_store(engine, quick=True)
        for text in report.repaired:
            LOG.warning("repaired: %s", text)
        for text in report.left:
            LOG.error("not repaired: %s", text)
    if config.flag("crio.internal_wipe"):
        problems = wipe.pods(engine, another_boot=True) if marks.rebooted() else []
        problems += wipe.images(engine) if marks.upgraded() else []
        for text in problems:
            LOG.error("not wiped: %s", text)
    repair(engine)
    additional.refresh(engine)
    marks.begin()
