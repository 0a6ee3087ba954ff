"""Layers that another process unpacks while they are made."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rundlet.core import Engine
from rundlet.core.images.composing import keep_written
from rundlet.core.settings.snapshot import Settings
from rundlet.core.storage.layers import chain_id
from rundlet.core.streams import Readable, Writable


@pytest.fixture(params=["overlay", "vfs"])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    settings = Settings(
        graph_root=str(tmp_path / "root"),
        run_root=str(tmp_path / "run"),
        storage_driver=request.param,
    )
    with Engine(settings) as made:
        yield made


def write(out: Writable) -> None:
    with tarfile.open(fileobj=out, mode="w|") as archive:
        for number in range(50):
            info = tarfile.TarInfo(f"f{number}")
            info.size = 5000
            archive.addfile(info, io.BytesIO(b"%05d" % number * 1000))


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest-xdist's own threads do not count: they wait for messages."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("alone")
def test_it_is_the_layer_that_its_digest_says(engine: Engine) -> None:
    below = keep_written(engine, write, "")
    parent = chain_id("", below.diff_id)
    row = engine.layers.get(parent)
    assert row is not None and row.inodes == 50 and row.size == 250_000
    above = keep_written(engine, write, parent)
    top = chain_id(parent, above.diff_id)
    assert engine.layers.chain(top) == (top, parent)
    assert set(engine.layers.driver.layers()) == {top, parent}
    again = keep_written(engine, write, parent)  # which is there
    assert again == above and set(engine.layers.driver.layers()) == {top, parent}
    out = io.BytesIO()
    engine.layers.diff(top, parent, out)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        assert len(archive.getnames()) in (0, 50), "vfs sees no difference between the two"


@pytest.mark.usefixtures("alone")
def test_a_failure_there_is_none_here(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = os.getpid()
    real = engine.layers.driver.apply

    def broken(layer: str, parents: Any, archive: Readable) -> Any:
        if os.getpid() != ours:
            raise OSError("no")
        return real(layer, parents, archive)

    monkeypatch.setattr(engine.layers.driver, "apply", broken)
    made = keep_written(engine, write, "")
    assert engine.blobs.has(made.blob.digest)
    assert engine.layers.get(chain_id("", made.diff_id)) is None
    assert list(engine.layers.driver.layers()) == []


@pytest.mark.usefixtures("alone")
def test_nothing_is_left_of_what_was_not_finished(engine: Engine) -> None:
    def half(out: Writable) -> None:
        out.write(b"\0" * 100)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        keep_written(engine, half, "")
    assert list(engine.layers.driver.layers()) == []
    assert engine.database.rows("SELECT * FROM leases WHERE kind = 'layer'") == []


def test_not_beside_threads(engine: Engine) -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        made = keep_written(engine, write, "")
        assert engine.layers.get(chain_id("", made.diff_id)) is None
    finally:
        ended.set()
        thread.join()
