"""Docker's schema 1: read as registries and tools still have it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools import images
from devtools.fixtures import needs
from devtools.lying import LyingRegistry
from rundlet.core import Engine
from rundlet.core.errors import Corrupt, DigestMismatch
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.images.schema1 import described, is_schema1, manifest_digest
from rundlet.core.images.schema1_writing import EMPTY_LAYER, manifest

KIND = "application/vnd.docker.distribution.manifest.v1+prettyjws"


@pytest.fixture
def written(tmp_path: Path, image_layout: Path) -> Path:
    """An image that Debian's skopeo wrote as (signed) schema 1."""
    needs("skopeo")
    path = tmp_path / "schema1"
    subprocess.run(
        ["skopeo", "--insecure-policy", "copy", "-q", "--format", "v2s1",
         f"oci:{image_layout}:busybox", f"dir:{path}"],
        check=True,
    )  # fmt: skip
    return path


def serve(lying: LyingRegistry, written: Path) -> str:
    """Put it into a registry; its name."""
    data = (written / "manifest.json").read_bytes()
    for file in written.iterdir():
        if len(file.name) == 64:
            lying.blob(file.read_bytes())
    for tag in ("1", manifest_digest(data)):
        lying.manifests["old", tag] = data, KIND
    return f"{lying.host}/old"


def test_its_digest_is_of_what_was_signed(written: Path) -> None:
    file = written / "manifest.json"
    told = subprocess.run(
        ["skopeo", "manifest-digest", file], check=True, capture_output=True, text=True
    )
    assert is_schema1(file.read_bytes())
    assert manifest_digest(file.read_bytes()) == told.stdout.strip()


def test_from_a_directory(engine: Engine, registry: Any, written: Path) -> None:
    """The layers are those of the same image in another format; so is what it runs."""
    newer = engine.images.pull(f"{registry.host}/busybox:latest")
    older = engine.images.pull(f"dir:{written}")
    assert older.top_layer == newer.top_layer
    docker = images.MANIFEST.replace("oci.image", "docker.distribution")
    assert older.manifest_type == docker.replace("manifest.v1", "manifest.v2")
    assert engine.images.config(older).config["Cmd"] == engine.images.config(newer).config["Cmd"]
    (step,) = engine.images.config(older).history
    assert step["created"].startswith("2023-11-14")


def test_from_a_registry(engine: Engine, lying: LyingRegistry, written: Path) -> None:
    name = serve(lying, written)
    image = engine.images.pull(f"{name}:1")
    digest = manifest_digest((written / "manifest.json").read_bytes())
    assert image.digests == (f"{name}@{digest}",)
    assert engine.images.pull(f"{name}@{digest}").id == image.id
    engine.images.push(image.id, f"dir:{engine.settings.graph_root}-copy")
    again = engine.images.pull(f"dir:{engine.settings.graph_root}-copy")
    assert again.id == image.id


@pytest.mark.usefixtures("nothing_stored")
def test_another_digest_is_refused(engine: Engine, lying: LyingRegistry, written: Path) -> None:
    name = serve(lying, written)
    wrong = f"sha256:{'1' * 64}"
    lying.manifests["old", wrong] = lying.manifests["old", "1"]
    with pytest.raises(DigestMismatch):
        engine.images.pull(f"{name}@{wrong}")


@pytest.mark.usefixtures("nothing_stored")
def test_a_wrong_layer_is_refused(engine: Engine, lying: LyingRegistry, written: Path) -> None:
    name = serve(lying, written)
    for digest in lying.blobs:
        lying.blobs[digest] = gzip.compress(b"something else")
    with pytest.raises(DigestMismatch):
        engine.images.pull(f"{name}:1")


def test_throwaway_and_repeated_layers(engine: Engine, lying: LyingRegistry) -> None:
    """Steps without files have no layer; a step that is listed twice in a row counts once."""
    tars = [images.layer([images.Member(f"file{number}", b"x", 0o644)]) for number in range(2)]
    blobs = [lying.blob(gzip.compress(tar, mtime=0)) for tar in tars]
    empty = lying.blob(gzip.compress(bytes(1024), mtime=0))
    steps: list[tuple[str, dict[str, Any]]] = [
        (empty, {"id": "c", "throwaway": True, "config": {"Cmd": ["sh"]}, "os": "linux",
                 "architecture": "amd64", "created": "2015-01-03T00:00:00Z",
                 "container_config": {"Cmd": ["/bin/sh", "-c", "#(nop) CMD sh"]}}),
        (blobs[1], {"id": "b", "parent": "a", "created": "2015-01-02T00:00:00Z"}),
        (blobs[1], {"id": "b", "parent": "a", "created": "2015-01-02T00:00:00Z"}),
        (blobs[0], {"id": "a", "created": "2015-01-01T00:00:00Z", "author": "me"}),
    ]  # fmt: skip
    document = {
        "schemaVersion": 1,
        "name": "old",
        "tag": "1",
        "fsLayers": [{"blobSum": digest} for digest, _ in steps],
        "history": [{"v1Compatibility": json.dumps(step)} for _, step in steps],
    }
    lying.manifests["old", "1"] = json.dumps(document).encode(), KIND
    image = engine.images.pull(f"{lying.host}/old:1")
    config = engine.images.config(image)
    assert config.diff_ids == tuple(images._digest(tar) for tar in tars)
    assert [dict(step) for step in config.history] == [
        {"created": "2015-01-01T00:00:00Z", "author": "me"},
        {"created": "2015-01-02T00:00:00Z"},
        {
            "created": "2015-01-03T00:00:00Z",
            "created_by": "/bin/sh -c #(nop) CMD sh",
            "empty_layer": True,
        },
    ]
    assert config.config["Cmd"] == ["sh"]
    assert "id" not in config.document


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "change",
    [
        {"fsLayers": []},
        {"fsLayers": 3},
        {"history": []},
        {"fsLayers": [{"blobSum": "sha256:../../etc/passwd"}]},
        {"history": [{"v1Compatibility": "{"}]},
        {"history": [{"v1Compatibility": "[]"}]},
        {"signatures": [{"protected": "!"}]},
        {"signatures": []},
    ],
)
def test_nonsense(engine: Engine, lying: LyingRegistry, change: dict[str, Any]) -> None:
    document = {
        "schemaVersion": 1,
        "fsLayers": [{"blobSum": lying.blob(gzip.compress(b""))}],
        "history": [{"v1Compatibility": "{}"}],
        **change,
    }
    lying.manifests["old", "1"] = json.dumps(document).encode(), KIND
    with pytest.raises(Corrupt):
        engine.images.pull(f"{lying.host}/old:1")


def _open_files() -> set[str]:
    """What this process has open, but the state, of which each thread has a connection."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except FileNotFoundError:  # of the listing itself
            continue
    return {path for path in found if "state.db" not in path}


def test_nothing_stays_in_the_temporary_directory(
    engine: Engine, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = _open_files()
    engine.images.pull(f"dir:{written}")
    assert os.listdir(tmp_path / "temporary") == []
    assert _open_files() == before


def test_steps_without_a_layer() -> None:
    """They are written as empty layers, and read as what they were."""
    history = [
        {"created_by": "ADD a"},
        {"created_by": "ENV b=c", "empty_layer": True, "author": "me"},
        {"created_by": "RUN d"},
    ]
    config = {"architecture": "arm64", "os": "linux", "config": {"Env": ["b=c"]}}
    layers = [Descriptor(f"sha256:{digit * 64}", 1) for digit in "ab"]
    data = manifest(
        json.dumps({**config, "history": history, "rootfs": {}}).encode(), layers, "host/x/y:z"
    )
    assert manifest_digest(data) != f"sha256:{hashlib.sha256(data).hexdigest()}"
    found, made = described(data)
    assert [layer.digest for layer in found.layers] == [
        layers[0].digest, EMPTY_LAYER.digest, layers[1].digest,
    ]  # fmt: skip
    document = json.loads(made)
    assert {key: document[key] for key in config} == config
    steps = [
        {key: step.get(key) for key in ("created_by", "empty_layer", "author")}
        for step in document["history"][:2]
    ]
    assert steps == [{"empty_layer": None, "author": None, **history[0]}, history[1]]
    with pytest.raises(Corrupt, match="2 layers, its history 1"):
        manifest(json.dumps({"history": history[:1]}).encode(), layers, "")
