"""Containers: rows without layers, layers without rows, what a killed command left running."""

from __future__ import annotations

import os
from functools import partial

from ..containers import cleanup
from ..containers.paths import Paths
from ..containers.remove import discard
from ..containers.state import boot_id, derive, has_process
from ..containers.stored import network_of
from ..containers.trees import remove_tree
from ..containers.unfinished import collect
from ..linux.processes import start_time
from ..networks.namespace import remove_namespace
from ..state import containers as rows
from .check import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine
    from ..state.containers import Container, ContainerRow


def containers(engine: Engine) -> Iterator[Problem]:
    """What is wrong with containers, and with what is there in their names."""
    yield from _half_done(engine)
    everything = [*rows.everything(engine.database), *rows.external(engine.database)]
    for row in everything:
        if row.status not in ("creating", "removing"):
            yield from _damaged(engine, row)
            yield from _unfinished(engine, row)
    pods = {row[0] for row in engine.database.rows("SELECT id FROM pods")}
    yield from _strays(engine, pods | {row.id for row in everything})


def _half_done(engine: Engine) -> Iterator[Problem]:
    """Creations and removals whose process was killed."""
    for row in rows.unfinished(engine.database):
        lives = row.boot == boot_id() and start_time(row.pid) == row.pid_start != 0
        if row.status == "creating" and lives:
            continue
        work = "created" if row.status == "creating" else "removed"
        yield Problem(
            f"container {row.id} was being {work} when its process was killed",
            partial(collect, engine),
        )


def _damaged(engine: Engine, row: ContainerRow) -> Iterator[Problem]:
    if row.layer and not engine.layers.driver.exists(row.layer):
        yield Problem(
            f"container {row.id} ({row.name}): its writable layer is gone",
            partial(_discard, engine, row.id),
            "container",
        )
    elif row.image and row.layer and not _has_image(engine, row.image):
        yield Problem(
            f"container {row.id} ({row.name}): its image {row.image} is gone",
            partial(_discard, engine, row.id),
            "container",
        )


def _has_image(engine: Engine, image: str) -> bool:
    return engine.database.row("SELECT 1 FROM images WHERE id = ?", image) is not None


def _discard(engine: Engine, container: str) -> None:
    """Remove a container that cannot be used any more, running or not."""
    from ..containers.remove import remove

    row = rows.by_id(engine.database, container)
    if row is None:
        return
    try:
        remove(engine, row, force=True, timeout=0)
    except OSError:
        with engine.locks.hold("container", container):
            discard(engine, row)


def _unfinished(engine: Engine, row: ContainerRow) -> Iterator[Problem]:
    """A container that ended while nobody cleaned up after it."""
    whole = rows.by_id(engine.database, row.id)
    if whole is None or has_process(derive(engine, whole)) or _busy(engine, whole):
        return
    if cleanup.needed(engine, whole):
        yield Problem(
            f"container {row.id} ({row.name}) ended, and was not cleaned up after",
            partial(cleanup.cleanup, engine, row.id),
        )


def _busy(engine: Engine, row: Container) -> bool:
    """Whether a process is at this container now."""
    from ..containers.state import attended
    from ..errors import Busy

    if attended(Paths(engine, row.id)):
        return True
    try:
        with engine.locks.hold("container", row.id, 0):
            return False
    except Busy:
        return True


def _strays(engine: Engine, known: set[str]) -> Iterator[Problem]:
    """Directories, exit codes and network namespaces of containers that are not there."""
    graph, run = engine.settings.graph_root, engine.settings.run_root
    for directory in (f"{graph}/containers", f"{run}/containers"):
        for name in _unknown(directory, known):
            path = f"{directory}/{name}"
            yield Problem(f"{path} belongs to no container", partial(remove_tree, path))
    for name in _unknown(f"{run}/exits", known):
        path = f"{run}/exits/{name}"
        yield Problem(f"{path} belongs to no container", partial(os.unlink, path))
    for name in _unknown(f"{run}/netns", known):
        path = f"{run}/netns/{name}"
        yield Problem(
            f"network namespace {path} belongs to no container",
            partial(_remove_namespace, engine, path),
        )


def _unknown(directory: str, known: set[str]) -> list[str]:
    """Names like container ids that are none. A new container's row is written before these."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    return sorted(name for name in names if len(name) == 64 and name not in known)


def _remove_namespace(engine: Engine, path: str) -> None:
    collect_networks(engine)
    remove_namespace(path)


def collect_networks(engine: Engine) -> None:
    """Have the network plugin undo what it did for containers that are not there any more."""
    attached = []
    for row in rows.everything(engine.database):
        whole = rows.by_id(engine.database, row.id)
        found = network_of(whole.network) if whole is not None else None
        if found is not None:
            attached.append(found.attachment)
    engine.networks.collect(attached)
