"""Layers: one process unpacks one, and none that is not what its digest says is ever there."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rundlet.core import Engine
from rundlet.core.contracts.storage import LayerUsage
from rundlet.core.errors import Busy, DigestMismatch, InUse
from rundlet.core.linux import syscalls
from rundlet.core.settings.snapshot import Settings
from rundlet.core.storage import layers

LAYER = "a" * 64


@pytest.fixture(params=["overlay", "vfs"])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    settings = Settings(
        graph_root=str(tmp_path / "graph"),
        run_root=str(tmp_path / "run"),
        storage_driver=request.param,
    )
    with Engine(settings) as engine:
        yield engine


@pytest.fixture
def archive() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    return data.getvalue()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_one_that_another_unpacks_is_waited_for(
    engine: Engine, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "_UNPACK_TIMEOUT", 0)
    with engine.image_locks.hold("layer", LAYER), pytest.raises(Busy):
        engine.layers.apply(LAYER, (), digest(archive), io.BytesIO(archive))
    assert not engine.layers.driver.exists(LAYER)
    engine.layers.apply(LAYER, (), digest(archive), io.BytesIO(archive))
    assert engine.layers.driver.exists(LAYER)


@pytest.mark.parametrize("stops", [False, True], ids=["at its end", "at the end mark"])
def test_what_is_not_as_promised_is_not_there(
    engine: Engine, archive: bytes, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = engine.layers.driver
    if stops:
        real = driver.apply
        monkeypatch.setattr(
            driver, "apply", lambda layer, parents, _: real(layer, parents, io.BytesIO(archive))
        )
    with pytest.raises(DigestMismatch):
        engine.layers.apply(LAYER, (), digest(b"other"), io.BytesIO(archive))
    assert not driver.exists(LAYER)


def test_it_is_on_the_disk_before_it_is_there(
    engine: Engine, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[bool] = []
    driver = engine.layers.driver
    monkeypatch.setattr(syscalls, "syncfs", lambda _: there.append(driver.exists(LAYER)))
    driver.apply(LAYER, (), io.BytesIO(archive))
    assert there == [False]


def test_what_is_made_is_kept_until_its_maker_ends(engine: Engine, archive: bytes) -> None:
    usage = engine.layers.apply(LAYER, (), digest(archive), io.BytesIO(archive))
    engine.layers.record(LAYER, "", digest(archive), "", usage)
    with Engine(engine.settings) as other:
        other.layers.collect()
        assert engine.layers.driver.exists(LAYER)
        engine.leases.release()
        other.layers.collect()
    assert not engine.layers.driver.exists(LAYER)


def test_what_a_killed_process_left_another_may_be_making(engine: Engine, archive: bytes) -> None:
    engine.layers.apply(LAYER, (), digest(archive), io.BytesIO(archive))
    engine.database.execute(
        "INSERT INTO leases (id, kind, object, pid, pid_start, created)"
        " VALUES ('dead', 'layer', ?, 1, 1, 1)",
        LAYER,
    )
    with Engine(engine.settings) as other:
        other.layers.collect()
    assert engine.layers.driver.exists(LAYER)


@pytest.mark.parametrize("user", ["process", "layer", "image"])
def test_one_that_something_needs_is_not_removed(engine: Engine, archive: bytes, user: str) -> None:
    engine.layers.record(
        LAYER, "", digest(archive), "", engine.layers.driver.apply(LAYER, (), io.BytesIO(archive))
    )
    if user == "process":
        engine.leases.hold("layer", (LAYER,))
    elif user == "layer":
        engine.layers.record("b" * 64, LAYER, digest(b""), "", LayerUsage(0, 0))
    else:
        engine.database.execute(
            "INSERT INTO images (id, manifest, manifest_type, top_layer, created, added, size)"
            " VALUES ('i', '', '', ?, 1, 1, 1)",
            LAYER,
        )
    with pytest.raises(InUse, match=user):
        engine.layers.remove(LAYER)
    assert engine.layers.driver.exists(LAYER)
    assert engine.layers.get(LAYER) is not None
