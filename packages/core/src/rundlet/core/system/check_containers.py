"""Containers: rows without layers, layers without rows, what a killed command left running."""

from __future__ import annotations

import os
from functools import partial

from ..containers import cleanup, neighbours
from ..containers.paths import Paths
from ..containers.remove import discard
from ..containers.state import attended, boot_id, derive, has_process
from ..containers.stored import network_of
from ..containers.strays import end_lost
from ..containers.trees import remove_tree
from ..containers.unfinished import collect
from ..contracts.network import Attachment
from ..errors import Busy, RundletError
from ..json import loads
from ..linux.mounts import detach_below
from ..linux.processes import start_time
from ..networks.namespace import remove_namespace
from ..state import containers as rows
from . import builds
from .check import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine
    from ..state.containers import ContainerRow

_HALF_DONE = ("creating", "removing")


def containers(engine: Engine) -> Iterator[Problem]:
    """What is wrong with containers, and with what is there in their names."""
    yield from _half_done(engine)
    for container, owner in builds.containers(engine):
        if builds.is_dead(owner):
            yield Problem(
                f"container {container} is of a build that was killed",
                partial(builds.sweep, engine),
            )
    for row in (*rows.everything(engine.database), *rows.external(engine.database)):
        if row.status not in _HALF_DONE and _is_wrong(engine, row):
            yield from _of(engine, row.id)
    yield from _strays(engine)
    yield from _networks(engine)


def _half_done(engine: Engine) -> Iterator[Problem]:
    """Creations and removals whose process was killed."""
    for row in rows.unfinished(engine.database):
        lives = row.boot == boot_id() and start_time(row.pid) == row.pid_start != 0
        if (row.status == "creating" and lives) or _busy(engine, row.id):
            continue
        work = "created" if row.status == "creating" else "removed"
        yield Problem(
            f"container {row.id} was being {work} when its process was killed",
            partial(collect, engine),
        )


def _is_wrong(engine: Engine, row: ContainerRow) -> bool:
    """Whether something seems wrong; who removes or ends it now makes that so for a moment."""
    return any(_damaged(engine, row)) or any(_unfinished(engine, row))


def _of(engine: Engine, container: str) -> list[Problem]:
    """What is wrong with a container that nobody is at: looked at while nobody can be."""
    if attended(Paths(engine, container)):
        return []
    try:
        with engine.locks.hold("container", container, 0):
            row = rows.by_id(engine.database, container)
            if row is None or row.status in _HALF_DONE:
                return []
            return [*_damaged(engine, row), *_unfinished(engine, row)]
    except Busy:
        return []


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
    if whole is None or has_process(derive(engine, whole)):
        return
    if cleanup.needed(engine, whole):
        yield Problem(
            f"container {row.id} ({row.name}) ended, and was not cleaned up after",
            partial(cleanup.cleanup, engine, row.id),
        )


def _busy(engine: Engine, container: str) -> bool:
    """Whether a process is at this container now, or has just removed it."""
    try:
        with engine.locks.hold("container", container, 0):
            return rows.by_id(engine.database, container) is None
    except Busy:
        return True


def _strays(engine: Engine) -> Iterator[Problem]:
    """Directories, exit codes and network namespaces of containers that are not there."""
    graph, run = engine.settings.graph_root, engine.settings.run_root
    for directory in (f"{graph}/containers", f"{graph}/rootfs", f"{run}/containers"):
        for name in _unknown(engine, directory):
            path = f"{directory}/{name}"
            yield Problem(
                f"{path} belongs to no container", partial(_remove_stray, engine, name, path)
            )
    for name in _unknown(engine, f"{run}/exits"):
        path = f"{run}/exits/{name}"
        yield Problem(f"{path} belongs to no container", partial(os.unlink, path))
    for name in _unknown(engine, f"{run}/netns"):
        path = f"{run}/netns/{name}"
        yield Problem(
            f"network namespace {path} belongs to no container",
            partial(_remove_namespace, engine, path),
        )


def _remove_stray(engine: Engine, container: str, path: str) -> None:
    """It may still run: then the state was lost, or put aside."""
    end_lost(engine, container)
    detach_below(path, itself=False)  # binds of what is not ours may be there
    remove_tree(path)


def _networks(engine: Engine) -> Iterator[Problem]:
    """What running containers are without, of their networks."""
    try:
        lost = engine.networks.damage()
    except RundletError:  # of a plugin that is not installed, say: nothing is attached by it now
        return
    for message in lost:
        yield Problem(message, engine.networks.mend)


def _unknown(engine: Engine, directory: str) -> list[str]:
    """Names like ids that no container and no pod has. A row is there before and after these."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    unknown = (
        name
        for name in names
        if len(name) == 64 and not _is_known(engine, name) and not neighbours.has(engine, name)
    )
    return sorted(name for name in unknown if os.path.lexists(f"{directory}/{name}"))


def _is_known(engine: Engine, identity: str) -> bool:
    found = engine.database.row(
        "SELECT 1 FROM containers WHERE id = ?1 UNION ALL SELECT 1 FROM pods WHERE id = ?1 LIMIT 1",
        identity,
    )
    return found is not None


def _remove_namespace(engine: Engine, path: str) -> None:
    collect_networks(engine)
    remove_namespace(path)


def collect_networks(engine: Engine) -> None:
    """Have the network plugin undo what it did for containers and pods that are not there any more.

    In a transaction: whoever attaches one notes that first, and must wait for this.
    """
    database = engine.database
    with database.transaction():
        noted = database.rows("SELECT id, name, network FROM containers")
        pods = database.rows("SELECT id, name, config FROM pods")
        noted += [(pod, name, loads(config).get("network") or "") for pod, name, config in pods]
        engine.networks.collect([_attachment(*row) for row in noted])


def _attachment(owner: str, name: str, network: str) -> Attachment:
    found = network_of(network)
    return found.attachment if found is not None else Attachment(owner, name, None)
