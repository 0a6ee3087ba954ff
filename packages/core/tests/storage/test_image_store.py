"""Image stores: what killed processes leave there, and what other graph roots have there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rundlet.core import Engine
from rundlet.core.errors import StoreError
from rundlet.core.settings.snapshot import Settings
from rundlet.core.state import leases
from rundlet.core.testing.archives import Archive

ARCHIVE = Archive().file("file", "x").data()
DIFF_ID = f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}"
LAYER = DIFF_ID.removeprefix("sha256:")


def engine(directory: Path, name: str, driver: str) -> Engine:
    return Engine(
        Settings(
            graph_root=str(directory / name),
            run_root=str(directory / f"{name}-run"),
            image_store=str(directory / "store"),
            storage_driver=driver,
        )
    )


@pytest.fixture(params=["overlay", "vfs"])
def users(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Engine]]:
    """Two graph roots with one store."""
    with (
        engine(tmp_path, "one", request.param) as one,
        engine(tmp_path, "other", request.param) as other,
    ):
        yield one, other


def _apply(user: Engine) -> None:
    user.layers.apply(LAYER, (), DIFF_ID, Archive().file("file", "x").stream())
    user.layers.record(LAYER, "", DIFF_ID, "", user.layers.usage(LAYER))


def _killed(user: Engine, kind: str, name: str) -> None:
    """What a process that is no more held."""
    leases.Lease(user.database).hold(kind, (name,))
    user.database.execute("UPDATE leases SET pid = 1, pid_start = 1")


def test_a_layer_that_was_not_linked_is_garbage(users: tuple[Engine, Engine]) -> None:
    one, _ = users
    store, driver = one.image_store, one.layers.driver
    assert store is not None
    kept = one.plugins.storage(driver.name, store.path)
    kept.apply(LAYER, (), Archive().file("file", "half").stream())
    _killed(one, "layer", LAYER)
    one.layers.collect()
    assert not kept.exists(LAYER)
    # Without a collection in between it is made anew.
    kept.apply(LAYER, (), Archive().file("file", "half").stream())
    _apply(one)
    assert driver.usage(LAYER).size == 1
    assert driver.elsewhere(LAYER).startswith(f"{store.path}/{driver.name}/{LAYER}/")


def test_a_blob_that_was_not_linked_is_garbage(users: tuple[Engine, Engine]) -> None:
    one, _ = users
    store = one.image_store
    assert store is not None
    digest = one.blobs.put_bytes(b"blob").digest
    os.unlink(one.blobs.path(digest))
    left = Path(store.temporary, "blob-left")
    left.touch()
    _killed(one, "file", left.name)
    one.layers.collect()
    assert os.listdir(f"{store.blobs}/sha256") == os.listdir(store.temporary) == []


def test_what_another_has_is_taken_and_left(users: tuple[Engine, Engine]) -> None:
    one, other = users
    digest = one.blobs.put_bytes(b"blob").digest
    _apply(one)
    assert other.blobs.has(digest) and other.blobs.read(digest) == b"blob"
    assert other.layers.take(LAYER) and other.layers.driver.usage(LAYER).size == 1
    other.layers.record(LAYER, "", DIFF_ID, "", other.layers.usage(LAYER))
    one.layers.collect()  # nothing refers to them
    assert not one.blobs.has(f"sha256:{'0' * 64}") and not one.layers.driver.exists(LAYER)
    assert other.blobs.read(digest) == b"blob" and other.layers.driver.exists(LAYER)
    other.layers.collect()
    assert not one.blobs.has(digest) and not one.layers.take(LAYER)


def test_a_copy_of_a_graph_root_is_another(users: tuple[Engine, Engine], tmp_path: Path) -> None:
    one, _ = users
    store = one.image_store
    assert store is not None
    (tmp_path / "copy").mkdir()
    os.symlink(f"{store.path}/roots/{store.identity}", tmp_path / "copy/imagestore.link")
    with engine(tmp_path, "copy", "") as copied:
        found = copied.image_store
        assert found is not None and found.identity != store.identity
    again = engine(tmp_path, "one", "").image_store
    assert again is not None and again.identity == store.identity


def test_without_images_another_store_is_fine(users: tuple[Engine, Engine], tmp_path: Path) -> None:
    one, _ = users
    before = one.image_store
    assert before is not None
    settings = one.settings.replace(image_store=str(tmp_path / "second"))
    with Engine(settings) as engine:
        assert engine.image_store is not None and engine.image_store.path == settings.image_store
        assert not os.path.lexists(before.entry)
        _apply(engine)
        with pytest.raises(StoreError, match=f"are in the image store {settings.image_store}, not"):
            _ = one.image_store
