"""Several writers of one OCI layout, and one who deletes from it meanwhile."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devtools import images
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.images.copy import copy
from rundlet.core.testing.transport import tar
from rundlet.core.transports.oci import OciTransport

SETTINGS = TransportSettings()
OCI = OciTransport()


def bring(origin: Path, layout: Path, name: str, wanted: str) -> None:
    with (
        OCI.source(OCI.parse(f"{origin}:{name}"), SETTINGS) as source,
        OCI.destination(OCI.parse(f"{layout}:{wanted}"), SETTINGS) as target,
    ):
        copy(source, target)


def whole(layout: Path) -> list[str]:
    """The names in a layout, all of whose blobs are there."""
    index = json.loads((layout / "index.json").read_text())
    for item in index["manifests"]:
        manifest = json.loads((layout / "blobs/sha256" / item["digest"][7:]).read_text())
        for blob in (manifest["config"], *manifest["layers"]):
            file = layout / "blobs/sha256" / blob["digest"][7:]
            assert file.stat().st_size == blob["size"]
    return [item["annotations"]["org.opencontainers.image.ref.name"] for item in index["manifests"]]


def test_writers_and_a_deleter(tmp_path: Path) -> None:
    """All images share their first layer: a writer may count on it while another image goes."""
    origin = images.Layout(tmp_path / "origin")
    shared = tar("shared", b"x" * 100_000)
    for number in range(8):
        recipe = images.ImageRecipe([shared, tar(f"own-{number}", bytes([number]) * 10_000)])
        origin.add(f"image-{number}", recipe)
    layout = tmp_path / "layout"

    def churn(number: int) -> None:
        for _ in range(4):
            bring(tmp_path / "origin", layout, f"image-{number}", f"image-{number}")
            if number % 2:
                OCI.delete(OCI.parse(f"{layout}:image-{number}"), SETTINGS)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(churn, range(8)))
    assert sorted(whole(layout)) == ["image-0", "image-2", "image-4", "image-6"]


def test_deleting_waits_for_writers(tmp_path: Path) -> None:
    origin = images.Layout(tmp_path / "origin")
    for name in ("one", "two"):
        origin.add(name, images.ImageRecipe([tar("same", b"same")], {"Labels": {"name": name}}))
    layout = tmp_path / "layout"
    bring(tmp_path / "origin", layout, "one", "one")
    deleter = threading.Thread(target=OCI.delete, args=(OCI.parse(f"{layout}:one"), SETTINGS))
    with (
        OCI.source(OCI.parse(f"{tmp_path}/origin:two"), SETTINGS) as source,
        OCI.destination(OCI.parse(f"{layout}:two"), SETTINGS) as target,
    ):
        deleter.start()
        deleter.join(0.2)
        assert deleter.is_alive(), "it must not take blobs that were found there"
        copy(source, target)
    deleter.join(60)
    assert whole(layout) == ["two"]
