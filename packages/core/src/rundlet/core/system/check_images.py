"""Images, layers and blobs: what the rows promise against what is on disk."""

from __future__ import annotations

import os
from functools import partial

from ..content.store import CHUNK
from ..errors import Busy
from ..images.descriptor import digest_parts
from ..state import layers as rows
from ..state import leases
from ..storage import image_store
from ..storage.linked import elsewhere
from ..value import Value
from .check import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..engine import Engine


def images(engine: Engine, *, quick: bool) -> Iterator[Problem]:
    """Images that miss a layer, or whose manifest or config is gone or damaged.

    A damaged blob that is only the compressed form of a layer is no damage of the image. What
    is gone of an additional store may come back with it: nothing is removed for that.
    """
    yield from _unseen(engine)
    ours = engine.images  # a store that is gone is told before its layers are taken for lost
    damaged = dict(_damaged_blobs(engine, quick=quick))
    lost = _lost_layers(engine)
    for image, manifest, top in engine.database.rows("SELECT id, manifest, top_layer FROM images"):
        layers = [lost[one] for one in rows.chain(engine.database, top or "") if one in lost]
        blobs = [damaged[one] for one in (manifest, f"sha256:{image}") if one in damaged]
        found = [*blobs, *layers]
        if any(one.linked for one in found) or (found and not _of_another_store(engine, image)):
            message = f"image {_named(engine, image)}: {'; '.join(one.reason for one in found)}"
            if any(one.linked for one in found):
                yield Problem(message)
                continue
            yield Problem(
                message,
                partial(ours.remove, image, force=True),
                "image" if _unused(engine, image) else "container",
            )
    yield from _damage_of_no_image(engine, damaged)


def _damage_of_no_image(engine: Engine, damaged: Mapping[str, _Lost]) -> Iterator[Problem]:
    """Damaged blobs that no image needs: compressed layers, and what was on its way."""
    needed = {row[0] for row in engine.database.rows("SELECT manifest FROM images")}
    needed |= {f"sha256:{row[0]}" for row in engine.database.rows("SELECT id FROM images")}
    for digest, one in damaged.items():
        if digest not in needed:
            repair = None if one.linked else partial(_forget_blob, engine, digest)
            yield Problem(one.reason, repair, leftover=_was_coming(engine, digest))


def _was_coming(engine: Engine, digest: str) -> bool:
    """Whether a blob without a file is one that a killed process was about to put in place."""
    unneeded = {one for one, _ in rows.blobs_of_nothing(engine.database)}
    return digest in unneeded and not os.path.exists(engine.blobs.path(digest))


class _Lost(Value):
    """A layer or blob that is gone or damaged. linked: it was in an additional store."""

    reason: str
    linked: bool = False


def _of_another_store(engine: Engine, image: str) -> bool:
    """Whether an image is in an additional store: that is for its owner to repair."""
    row = engine.database.row("SELECT store FROM images WHERE id = ?", image)
    return row is not None and bool(row[0])


def _unused(engine: Engine, image: str) -> bool:
    """Whether no container and no volume would be lost with an image."""
    return engine.database.row("SELECT 1 FROM image_users WHERE image = ?", image) is None


def _named(engine: Engine, image: str) -> str:
    sql = "SELECT name FROM image_names WHERE image = ? ORDER BY name"
    names = [row[0] for row in engine.database.rows(sql, image)]
    return f"{image} ({', '.join(names)})" if names else image


def _damaged_blobs(engine: Engine, *, quick: bool) -> Iterator[tuple[str, _Lost]]:
    """(digest, what is wrong) of blobs whose file is gone, has another size or other content."""
    for digest, size in engine.database.rows("SELECT digest, size FROM blobs ORDER BY digest"):
        found = _damage(engine, digest, size, quick=quick)
        if found is not None:
            yield digest, found


def _damage(engine: Engine, digest: str, size: int, *, quick: bool) -> _Lost | None:
    path = engine.blobs.path(digest)
    try:
        found = os.stat(path).st_size
    except FileNotFoundError:
        return _gone(engine, f"blob {digest}", elsewhere(path))
    if found != size:
        return _Lost(f"blob {digest} has {found} bytes, not {size}")
    if not quick and _digest(path, digest) != digest:
        return _Lost(f"blob {digest} has other content than its digest says")
    return None


def _unseen(engine: Engine) -> Iterator[Problem]:
    """Graph roots that have the same image store and are gone: only people know for how long."""
    store = image_store.of(engine)
    for entry, root in store.unseen() if store is not None else ():
        yield Problem(
            f"the graph root {root} is not there: what it may need in the image store is kept;"
            f" if it is gone for good, remove {entry}"
        )


def _gone(engine: Engine, what: str, place: str) -> _Lost:
    """place: where it was, if that is not in the graph root."""
    store = image_store.of(engine)
    ours = store is not None and place.startswith(f"{store.path}/")
    where = f": it was {place}" if place else ""
    return _Lost(f"{what} is gone{where}", bool(place) and not ours)


def _digest(path: str, digest: str) -> str:
    import hashlib

    algorithm = digest_parts(digest)[0]
    found = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while data := file.read(CHUNK):
            found.update(data)
    return f"{algorithm}:{found.hexdigest()}"


def _forget_blob(engine: Engine, digest: str) -> None:
    """Forget the compressed form of a layer: the next pull of the image brings it back.

    Not one that a pull has put in place since we looked, whose row it writes first.
    """
    with engine.image_locks.hold("blob", digest):
        row = engine.database.row("SELECT size FROM blobs WHERE digest = ?", digest)
        if row is None or _damage(engine, digest, row[0], quick=False) is None:
            return
        _drop_blob(engine, digest)


def _drop_blob(engine: Engine, digest: str) -> None:
    with engine.database.transaction():
        engine.database.execute("UPDATE layers SET blob = NULL WHERE blob = ?", digest)
        engine.database.execute("DELETE FROM image_blobs WHERE digest = ?", digest)
        engine.database.execute("DELETE FROM blobs WHERE digest = ?", digest)
        engine.blobs.files.forget(digest)


def _lost_layers(engine: Engine) -> dict[str, _Lost]:
    """Layers with a row but nothing in the storage driver."""
    driver = engine.layers.driver
    known = [row[0] for row in engine.database.rows("SELECT id FROM layers")]
    lost = (layer for layer in known if not driver.exists(layer))
    return {layer: _gone(engine, f"layer {layer}", driver.elsewhere(layer)) for layer in lost}


def layers(engine: Engine) -> Iterator[Problem]:
    """Layers of the driver that belong to nothing, and rows that nothing needs."""
    database = engine.database
    killed = {one.object for one in leases.dead(database) if one.kind == "layer"}
    owned = {row[0] for row in database.rows("SELECT id FROM layers")}
    owned |= {row[0] for row in database.rows("SELECT layer FROM image_users")}
    for layer in engine.layers.driver.layers():
        if layer not in owned and layer not in leases.held(database, "layer"):
            # Asked again: whoever makes a layer writes its lease or row first.
            if _is_owned(engine, layer):
                continue
            yield Problem(
                f"layer {layer} belongs to no image, no container and no volume",
                partial(_remove_layer, engine, layer),
                leftover=layer in killed,
            )
    for layer in rows.unused(database):
        yield Problem(f"layer {layer} is needed by nothing", engine.layers.collect, leftover=True)


def _is_owned(engine: Engine, layer: str) -> bool:
    found = engine.database.row(
        "SELECT 1 FROM layers WHERE id = ?1 UNION ALL SELECT 1 FROM image_users WHERE layer = ?1"
        " LIMIT 1",
        layer,
    )
    return found is not None


def _remove_layer(engine: Engine, layer: str) -> None:
    try:
        with engine.image_locks.hold("layer", layer, 0):
            if not _is_owned(engine, layer):
                engine.layers.homes.erase(layer)
    except Busy:
        return  # somebody is making it


def blobs(engine: Engine) -> Iterator[Problem]:
    """Files among the blobs that have no row, and rows that nothing needs."""
    for algorithm in ("sha256", "sha512"):
        directory = os.path.join(engine.blobs.directory, algorithm)
        try:
            names = sorted(os.listdir(directory))
        except FileNotFoundError:
            continue
        for name in names:
            digest = f"{algorithm}:{name}"
            if not _is_known_blob(engine, digest):
                yield Problem(
                    f"blob {digest} belongs to nothing",
                    partial(_remove_blob, engine, digest),
                )
    for digest in rows.unused_blobs(engine.database):
        yield Problem(f"blob {digest} is needed by nothing", engine.layers.collect, leftover=True)


def _is_known_blob(engine: Engine, digest: str) -> bool:
    if digest in leases.held(engine.database, "blob"):
        return True
    return engine.database.row("SELECT 1 FROM blobs WHERE digest = ?", digest) is not None


def _remove_blob(engine: Engine, digest: str) -> None:
    with engine.image_locks.hold("blob", digest, 0):
        if not _is_known_blob(engine, digest):
            os.unlink(os.path.join(engine.blobs.directory, *digest.split(":")))
