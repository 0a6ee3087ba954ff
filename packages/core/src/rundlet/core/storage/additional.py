"""Additional image stores: other graph roots, whose images are used here and never changed.

(containers-storage.conf(5), additionalimagestores.) Their rows are repeated in our state, their
layers and blobs are links in our store; so all that reads images, layers and blobs finds them
where it finds our own, and what deletes ours deletes the links. Read again when the other
state.db has changed. An image that is tagged or pulled here becomes our own, as in podman: its
layers may remain links.
"""

from __future__ import annotations

import os

from ..state import stores as rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine


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
    stale = [store for store in wanted if _stamp(store, store in known) != known.get(store, "")]
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


def _stamp(store: str, known: bool) -> str:
    """What changes when something is written to a store; "" for one that is empty.

    Raises StoreError when a store that was here has lost its state.
    """
    try:
        found = os.stat(f"{store}/state.db")
    except FileNotFoundError:
        if known:
            raise rows.unusable(store, "its state.db is gone") from None
        return ""
    return f"{found.st_ino}:{found.st_mtime_ns}:{found.st_size}:{_log(store)}"


def _log(store: str) -> str:
    """Of its write-ahead log; "" when nobody has written since it was last closed."""
    try:
        found = os.stat(f"{store}/state.db-wal")
    except FileNotFoundError:
        return ""
    return f"{found.st_mtime_ns}:{found.st_size}" if found.st_size else ""


def _renew(engine: Engine, stale: list[str], dropped: list[str]) -> None:
    known = rows.known(engine.database)
    gone = [rows.forget(engine.database, store) for store in dropped if store in known]
    for store in stale:
        stamp = _stamp(store, store in known)
        if stamp != known.get(store, ""):  # else another process was faster
            gone.append(_read(engine, store, stamp))
    if any(gone):
        engine.layers.collect()


def _read(engine: Engine, store: str, stamp: str) -> bool:
    """Repeat a store's rows and link its files; whether images of before are gone.

    Rows come first, so that no link is ever without one; the stamp comes last, so that what a
    kill leaves is done again.
    """
    database = engine.database
    with rows.Attached(database, store, quiet=not _log(store)):
        name = rows.driver(database)
        if name not in ("", engine.layers.driver.name):
            raise rows.unusable(store, f"it was made with storage driver {name}")
        rows.stamp(database, store, "")
        gone = rows.take_over(database, store)
    _link_layers(engine, store)
    _link_blobs(engine, store)
    rows.stamp(database, store, stamp)
    return gone


def _link_layers(engine: Engine, store: str) -> None:
    driver = engine.layers.driver
    layers = [one for one in rows.layers(engine.database, store) if not driver.exists(one)]
    if layers and not driver.links:
        raise rows.unusable(store, f"storage driver {driver.name} cannot read other stores")
    for layer in layers:
        with engine.locks.hold("layer", layer):
            driver.link(layer, os.path.join(store, driver.name))


def _link_blobs(engine: Engine, store: str) -> None:
    root = engine.settings.graph_root
    for digest in rows.blobs(engine.database, store):
        path = engine.blobs.path(digest)
        if os.path.exists(path):
            continue
        with engine.locks.hold("blob", digest):
            os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
            if os.path.islink(path):  # to another store, which has it no more
                os.unlink(path)
            os.symlink(os.path.join(store, os.path.relpath(path, root)), path)
