"""A store of the test's own, an image to be served, and registries that misbehave."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools import images
from devtools.lying import LyingRegistry
from rundlet.core import Engine
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.settings.snapshot import Settings


class Served:
    """A small image of two layers in a `LyingRegistry`, at `name`."""

    def __init__(self, registry: LyingRegistry, repository: str = "team/tool") -> None:
        self.registry = registry
        self.repository = repository
        self.name = f"{registry.host}/{repository}:1"
        tars = [
            images.layer([images.Member("etc"), images.Member("etc/one", b"1" * 5000, 0o644)]),
            images.layer([images.Member("two", os.urandom(300_000), 0o644)]),
        ]
        blobs = [gzip.compress(tar, 1, mtime=0) for tar in tars]
        self.layers = [registry.blob(blob) for blob in blobs]
        self.sizes = [len(blob) for blob in blobs]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["true"]},
            "rootfs": {"type": "layers", "diff_ids": [images._digest(tar) for tar in tars]},
        }
        data = json.dumps(config).encode()
        self.config = registry.blob(data)
        self.document = {
            "schemaVersion": 2,
            "mediaType": images.MANIFEST,
            "config": {"mediaType": images.CONFIG, "digest": self.config, "size": len(data)},
            "layers": [
                {"mediaType": images.LAYER, "digest": digest, "size": size}
                for digest, size in zip(self.layers, self.sizes, strict=True)
            ],
        }
        self.digest = registry.manifest(repository, "1", self.document)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine over an empty store, and no configuration of this machine's."""
    conf = tmp_path / "registries.conf"
    conf.touch()
    settings = Settings(
        graph_root=str(tmp_path / "graph"),
        run_root=str(tmp_path / "run"),
        registries_conf=str(conf),
    )
    with Engine(settings) as made:
        yield made


@pytest.fixture
def lying() -> Iterator[LyingRegistry]:
    with LyingRegistry() as registry:
        yield registry


@pytest.fixture
def served(lying: LyingRegistry) -> Served:
    return Served(lying)


@pytest.fixture
def impatient() -> TransportSettings:
    """Settings that wait for hardly anything."""
    return TransportSettings(retries=2, retry_delay=0.01, options={"stall": 0.5})


def stored(engine: Engine) -> dict[str, list[str]]:
    """What there is in a store, once garbage was collected."""
    engine.layers.collect()
    root = engine.settings.graph_root
    blobs = Path(root, "blobs", "sha256")
    temporary = Path(root, "tmp")
    return {
        "images": [image for (image,) in engine.database.rows("SELECT id FROM images")],
        "layers": [layer for (layer,) in engine.database.rows("SELECT id FROM layers")],
        "leases": [str(row) for row in engine.database.rows("SELECT * FROM leases")],
        "blobs": sorted(os.listdir(blobs)) if blobs.exists() else [],
        "temporary": sorted(os.listdir(temporary)) if temporary.exists() else [],
    }


@pytest.fixture
def nothing_stored(engine: Engine) -> Iterator[None]:
    """The test leaves nothing in the store."""
    yield
    assert not any(stored(engine).values()), stored(engine)
