"""Everything of an engine is removed: `system reset` (podman-system-reset(1))."""

from __future__ import annotations

import os
from functools import partial

from ..archive.beneath import DIRECTORY_FLAGS
from ..archive.remove import remove_tree
from ..containers import neighbours
from ..containers.strays import end_lost, lost
from ..errors import NoSuchContainer, NoSuchNetwork, NoSuchVolume, RundletError, StoreError
from ..linux.mounts import detach_below
from ..storage.staging import abandoned, delete

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..engine import Engine

# Docs: architecture.md, "On disk". The tools over the engine have their places there too.
_IN_GRAPH = (
    "artifacts", "blobs", "build", "checkpoints", "clean.shutdown", "containers",
    "imagestore.link", "networks", "rootfs", "runtimes", "secrets", "tmp", "volumes",
)  # fmt: skip
_IN_RUN = (
    "build", "cache", "containers", "exits", "images", "locks", "netns", "networks", "oci",
    "roots", "tmp", "version",
)  # fmt: skip
_DATABASE = ("state.db", "state.db-wal", "state.db-shm", "state.db-reserve", "state.db-inodes")


def reset(engine: Engine) -> list[str]:
    """Remove all containers, images, artifacts, volumes and networks, and then the directories.

    The engine is closed. What is not Rundlet's in the graph root and the run root stays, and so
    does a run root that other graph roots use.
    Returns what could not be removed in order, in words. Raises StoreError when files are left.
    """
    problems = [
        *_each(_containers(engine)),
        *_each(_lost(engine)),
        *_each(_networks(engine)),
        *_each(_volumes(engine)),
    ]
    drivers = [point.name for point in engine.plugins.available("storage")]
    problems += _each(iter((partial(_leave, engine, drivers),)))
    graph, run = engine.settings.graph_root, engine.settings.run_root
    engine.close()
    for path in abandoned(graph):
        delete(path)
    places = [(graph, (*_IN_GRAPH, *drivers, *_DATABASE))]
    if not neighbours.others(engine):  # else what was ours in the run root is gone by now
        places.append((run, _IN_RUN))
    for root, names in places:
        detach_below(root, itself=False)  # a tree with mounts in it must not be deleted
        _delete(root, names)
    return problems


def _each(steps: Iterator[Callable[[], object]]) -> Iterator[str]:
    try:
        for step in steps:
            try:
                step()
            except (NoSuchContainer, NoSuchNetwork, NoSuchVolume):
                continue  # another process was faster
            except (RundletError, OSError) as error:
                yield str(error)
    except RundletError as error:  # they cannot be listed: the state is damaged, or a plugin is
        yield str(error)


def _containers(engine: Engine) -> Iterator[Callable[[], object]]:
    for row in engine.containers.list():
        yield partial(engine.containers.remove, row.id, force=True, volumes=True, timeout=0)


def _lost(engine: Engine) -> Iterator[Callable[[], object]]:
    """What runs without a row: the state was lost, or is damaged."""
    for container in lost(engine):
        if neighbours.has(engine, container):
            continue
        yield partial(end_lost, engine, container)
    yield partial(engine.networks.collect, ())


def _networks(engine: Engine) -> Iterator[Callable[[], object]]:
    for network in engine.networks.list():
        if network.name != engine.settings.default_network:
            yield partial(engine.networks.remove, network.name)


def _volumes(engine: Engine) -> Iterator[Callable[[], object]]:
    for volume in engine.volumes.list():
        yield partial(engine.volumes.remove, volume.name, force=True)


def _leave(engine: Engine, drivers: list[str]) -> None:
    """Take out of the image store what no other graph root needs there."""
    engine.settings = engine.settings.replace(image_store="")  # the one that it has
    store = engine.image_store
    if store is not None:
        engine.database.execute("DELETE FROM images")
        engine.layers.collect()
        store.leave(drivers)


def _delete(root: str, names: tuple[str, ...]) -> None:
    try:
        directory = os.open(root, DIRECTORY_FLAGS & ~os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        for name in names:
            remove_tree(os.fsencode(name), directory)
    except OSError as error:
        raise StoreError(f"cannot remove all of {root}: {error.strerror}") from error
    finally:
        os.close(directory)
    try:
        os.rmdir(root)
    except OSError:  # something that is not Rundlet's is in it, or it is a mount point
        return
