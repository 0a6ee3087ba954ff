"""What nothing needs any more is removed: what the prune verbs and `system prune` share.

Each takes the filters of its verb and gives the names or ids of what it removed; what another
process took into use, or removed, meanwhile is passed over.
"""

from __future__ import annotations

from rundlet.core.errors import (
    AlreadyExists,
    InUse,
    NoSuchContainer,
    NoSuchNetwork,
    NoSuchVolume,
    WrongState,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rundlet.core.engine import Engine
    from rundlet.core.state.volumes import Volume

ENDED = ("created", "initialized", "exited")
"""States of containers that prune removes (podman-container-prune(1))."""


def containers(engine: Engine, filters: Sequence[str]) -> Iterator[str]:
    """Remove containers that do not run; their ids. Raises InvalidArgument for a filter."""
    from .listing.container_filters import containers as chosen

    rows = [row for row in engine.containers.list() if row.status in ENDED]
    rows = chosen(engine, rows, filters) if filters else rows
    waiting = {row.id for row in rows if row.status == "initialized"}  # a process is there
    for container in engine.containers.dependents_first([row.id for row in rows]):
        try:
            engine.containers.remove(container, waiting=container in waiting, pruning=True)
        except (AlreadyExists, NoSuchContainer, WrongState):
            continue  # another needs it, removed it or started it
        yield container


def leftovers(engine: Engine) -> None:
    """Remove what killed commands left, and all that a repair takes from nobody."""
    from rundlet.core.containers.unfinished import collect
    from rundlet.core.system.builds import sweep
    from rundlet.core.system.check import repair_harmless

    collect(engine)
    sweep(engine)
    repair_harmless(engine)


def images(engine: Engine, filters: Sequence[str], *, everything: bool) -> Iterator[str]:
    """Remove images that no container uses; their ids.

    everything: also those with names. Raises InvalidArgument for a filter.
    """
    from .listing.image_filters import images as chosen

    rows = [row for row in engine.images.list() if everything or not row.names]
    rows = list(chosen(engine, rows, filters)) if filters else rows
    return engine.images.prune([row.id for row in rows])


def unused_volumes(engine: Engine, filters: Sequence[str], *, everything: bool) -> list[Volume]:
    """The volumes that `volumes` would remove. Raises InvalidArgument for a filter."""
    from .listing.volumes import boolean, chosen

    asked = [text.partition("=") for text in filters]
    everything |= any(boolean(key, text) for key, _, text in asked if key == "all")
    left = [text for text in filters if not text.startswith("all=")]
    named = everything or any(key == "anonymous" for key, _, _ in asked)
    unused = [
        one
        for one in engine.volumes.list()
        if (one.anonymous or named) and not engine.volumes.users(one.name)
    ]
    return chosen(engine, unused, left)


def volumes(engine: Engine, filters: Sequence[str], *, everything: bool) -> Iterator[str]:
    """Remove volumes that no container uses; their names.

    everything: also those with names (podman 6 and docker spare them else).
    """
    for volume in unused_volumes(engine, filters, everything=everything):
        try:
            yield engine.volumes.remove(volume.name, pruning=True)
        except (InUse, NoSuchVolume):
            continue


def networks(engine: Engine, filters: Sequence[str]) -> Iterator[str]:
    """Remove networks that no container uses, but the default one; their names."""
    from .listing.networks import chosen

    default = engine.settings.default_network
    for network in chosen(engine, filters):
        if network.name == default or engine.networks.users(network.name):
            continue
        try:
            engine.networks.remove(network.name)
        except (InUse, NoSuchNetwork):
            continue
        yield network.name
