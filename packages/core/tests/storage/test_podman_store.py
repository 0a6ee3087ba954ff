"""Reading a store of containers/storage while podman writes to it."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from pathlib import Path

import pytest

from rundlet.core.images import manifest as manifests
from rundlet.core.storage.podman_store import read


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_what_is_half_written_is_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.dumps({"os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    described = {
        "mediaType": manifests.OCI_CONFIG,
        "digest": digest(config),
        "size": len(config),
    }
    manifest = json.dumps({"schemaVersion": 2, "config": described, "layers": []}).encode()
    files = tmp_path / "overlay-images/x"
    files.mkdir(parents=True)
    record = {"id": "x", "names": ["localhost/a:1", f"localhost/a@{digest(manifest)}"]}
    (tmp_path / "overlay-images/images.json").write_text(json.dumps([record]))
    (files / "manifest").write_bytes(manifest)
    written = []

    def stamp() -> str:
        """The config arrives while the first reading is under way."""
        written.append(None)
        if len(written) == 2:
            (files / f"={b64encode(digest(config).encode()).decode()}").write_bytes(config)
        return str(min(len(written), 2))

    (image,) = read(str(tmp_path), "overlay", stamp)
    assert (image.names, image.manifest_digest) == (tuple(record["names"]), digest(manifest))
    assert sorted(image.sizes.values()) == sorted((len(config), len(manifest)))
    assert capsys.readouterr().err == ""
