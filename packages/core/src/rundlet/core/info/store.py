"""The store: where it is, how full, and how much is in it."""

from __future__ import annotations

import os

from ..errors import RundletError
from ..storage import image_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..engine import Engine


def store(engine: Engine) -> dict[str, Any]:
    """podman's `store`. Sizes in bytes, of the file system that holds the graph root."""
    settings, database = engine.settings, engine.database
    (images,) = database.row("SELECT count(*) FROM images") or (0,)
    space = os.statvfs(settings.graph_root)
    name, status = _driver(engine)
    return {
        "configFile": next(filter(os.path.exists, _configuration()), ""),
        "containerStore": _containers(engine),
        "graphDriverName": name,
        "graphOptions": {f"{name}.{key}": value for key, value in _options(engine, name)},
        "graphRoot": settings.graph_root,
        "graphRootAllocated": space.f_blocks * space.f_frsize,
        "graphRootUsed": (space.f_blocks - space.f_bfree) * space.f_frsize,
        "graphStatus": status,
        "imageCopyTmpDir": settings.temporary or os.path.join(settings.graph_root, "tmp"),
        "imageStore": {"number": images},
        "runRoot": settings.run_root,
        "transientStore": False,
        "volumePath": os.path.join(settings.graph_root, "volumes"),
    }


def _options(engine: Engine, name: str) -> list[tuple[str, Any]]:
    """The driver's options; the image store is one, as podman has it."""
    found = list(engine.settings.storage_options.get(name, {}).items())
    try:
        kept = image_store.of(engine)
    except RundletError:  # info tells what there is
        return found
    if kept is not None:
        found.append(("imagestore", kept.path))
    return found


def _configuration() -> tuple[str, ...]:
    override = os.environ.get("CONTAINERS_STORAGE_CONF")
    usual = ("/etc/containers/storage.conf", "/usr/share/containers/storage.conf")
    return (override,) if override else usual


def _containers(engine: Engine) -> dict[str, int]:
    found = engine.database.rows("SELECT status, count(*) FROM containers GROUP BY status")
    counts = {str(status): int(count) for status, count in found}
    running, paused = counts.get("running", 0), counts.get("paused", 0)
    number = sum(counts.values())
    return {
        "number": number,
        "paused": paused,
        "running": running,
        "stopped": number - running - paused,
    }


def _driver(engine: Engine) -> tuple[str, dict[str, str]]:
    """The driver's name, and what its probe tells of this place with podman's titles."""
    try:
        driver = engine.layers.driver
        details = driver.probe().details
    except RundletError:  # info tells what there is, also where nothing can be stored
        return engine.settings.storage_driver, {}
    titles = {"backing file system": "Backing Filesystem"}
    return driver.name, {titles.get(key, key): str(value) for key, value in details.items()}
