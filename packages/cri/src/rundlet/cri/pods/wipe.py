"""All pods, or all images, are removed: `wipe`, and a server's start after a reboot or upgrade."""

from __future__ import annotations

import logging

from rundlet.core import Engine
from rundlet.core.containers.state import boot_id
from rundlet.core.errors import RundletError

from . import record, stop

LOG = logging.getLogger("rundlet.cri")


def pods(engine: Engine, *, another_boot: bool = False) -> list[str]:
    """Remove pods with their containers; what could not be, in words.

    another_boot: only those that a reboot has ended.
    """
    problems = []
    for pod in record.everything(engine):
        if another_boot and pod.boot == boot_id():
            continue
        try:
            stop.remove(engine, pod.id)
            LOG.info("wiped pod %s (%s)", pod.id, pod.name)
        except (RundletError, OSError) as error:
            problems.append(f"pod {pod.id}: {error}")
    return problems


def images(engine: Engine) -> list[str]:
    """Remove images that no container has; what could not be, in words."""
    problems = []
    for image in engine.images.list():
        if image.store:
            continue  # of an additional image store, which is only read
        try:
            engine.images.remove(image.id, force=False)
            LOG.info("wiped image %s", image.id)
        except (RundletError, OSError) as error:
            problems.append(f"image {image.id[:12]}: {error}")
    return problems
