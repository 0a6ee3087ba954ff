"""Additional image stores: other roots, whose images are used here and never changed.

(containers-storage.conf(5), additionalimagestores.) They are graph roots of Rundlet, or stores of
containers/storage, which podman, buildah and CRI-O fill (`additional_roots`). Their rows are
repeated in our state, their layers and blobs are links in our store; so all that reads images,
layers and blobs finds them where it finds our own, and what deletes ours deletes the links. Read
again when the other root has changed. An image that is tagged or pulled here becomes our own, as
in podman: its layers may remain links.
"""

from __future__ import annotations

import os

from ..errors import NotSupported
from ..state import stores as rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from .additional_roots import Root


def refresh(engine: Engine) -> None:
    """Have in our store what the stores that the settings name have now, and nothing else.

    Costs a query where no store is named, and a look at two files of each where nothing changed.
    Raises StoreError naming a store that is gone or damaged.
    """
    known = rows.known(engine.database)
    own = os.path.realpath(engine.settings.graph_root)
    wanted = [
        store
        for store in map(_checked, dict.fromkeys(engine.settings.additional_image_stores))
        if os.path.realpath(store) != own
    ]
    stale = [store for store in wanted if _stamp(store, known) != known.get(store, "")]
    dropped = [store for store in known if store not in wanted]
    if stale or dropped:
        with engine.locks.hold("stores", "additional"):
            _renew(engine, stale, dropped)


def _checked(store: str) -> str:
    if not os.path.isabs(store):
        raise rows.unusable(store, "the path is not absolute")
    if not os.path.isdir(store):
        raise rows.unusable(store, "there is no such directory")
    return os.path.normpath(store)


def _stamp(store: str, known: dict[str, str]) -> str:
    """What changes when something is written to a store; "" for one that is empty."""
    root = _root(store, known)
    return root.stamp() if root else ""


def _root(store: str, known: dict[str, str]) -> Root | None:
    """What is at a path; None for nothing. Raises StoreError when what was known is gone."""
    from .additional_roots import found

    root = found(store)
    if root is None and store in known:
        raise rows.unusable(store, f"its {known[store].partition(' ')[0] or 'state'} is gone")
    return root


def _renew(engine: Engine, stale: list[str], dropped: list[str]) -> None:
    known = rows.known(engine.database)
    for store in dropped:
        if store in known:
            rows.forget(engine.database, store)
    for store in stale:
        root = _root(store, known)
        if root is not None and root.stamp() != known.get(store):  # else another was faster
            _read(engine, root)
    engine.layers.collect()


def _read(engine: Engine, root: Root) -> None:
    """Repeat a store's rows and link its files.

    Rows come first, so that no link is ever without one; the stamp comes last, so that what a
    kill leaves is done again.
    """
    database = engine.database
    stamp = root.stamp()
    with root.attached(database):
        name = rows.driver(database)
        if name not in ("", engine.layers.driver.name):
            raise rows.unusable(root.path, f"it was made with storage driver {name}")
        rows.stamp(database, root.path, "")
        rows.take_over(database, root.path)
        _link_layers(engine, root)
        _link_blobs(engine, root)
        if rows.lingers(database, root.path):
            stamp += " again"  # next time: the container may be gone then
    rows.stamp(database, root.path, stamp)


def _link_layers(engine: Engine, root: Root) -> None:
    driver = engine.layers.driver
    layers = [one for one in rows.layers(engine.database, root.path) if not driver.exists(one)]
    if layers and not driver.links:
        raise rows.unusable(root.path, f"storage driver {driver.name} cannot read other stores")
    for layer in layers:
        place = root.layer(layer, driver.name)
        if place is None:
            continue  # a container needs an image that has gone there
        with engine.image_locks.hold("layer", layer):
            if engine.layers.homes.take(layer):
                continue  # of the image store that both have: it stays while we need it
            try:
                driver.link(layer, *place)
            except NotSupported as error:
                raise rows.unusable(root.path, error.message) from None


def _link_blobs(engine: Engine, root: Root) -> None:
    for digest in rows.blobs(engine.database, root.path):
        path = engine.blobs.path(digest)
        place = root.blob(digest)
        if place is None or os.path.exists(path):
            continue
        with engine.image_locks.hold("blob", digest):
            if engine.blobs.files.shared(digest) >= 0:
                engine.blobs.files.take(digest)
                continue
            os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
            if os.path.islink(path):  # to another store, which has it no more
                os.unlink(path)
            os.symlink(place, path)
