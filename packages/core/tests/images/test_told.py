"""What a copy tells of its blobs, and in which order."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rundlet.core import Engine
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.images.copy import CopyOptions, copy
from rundlet.core.images.progress import Progress

if TYPE_CHECKING:
    from rundlet.core.images.descriptor import Descriptor


class Started(Progress):
    """Keeps the kinds of blobs as they start."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.layer = threading.Event()

    def start(self, kind: str, blob: Descriptor) -> None:
        self.kinds.append(kind)
        if kind == "blob":
            self.layer.set()


def test_the_config_is_told_first(engine: Engine, image_layout: Path, tmp_path: Path) -> None:
    """Also where a layer starts sooner: the destination here is slow to say what it has."""
    oci, directory = engine.plugins.transport("oci"), engine.plugins.transport("dir")
    settings = TransportSettings()
    started = Started()
    with (
        oci.source(oci.parse(f"{image_layout}:busybox"), settings) as source,
        directory.destination(directory.parse(str(tmp_path / "out")), settings) as target,
    ):
        really = target.has_blob

        def has_blob(blob: Descriptor) -> Any:
            if "config" in blob.media_type:
                assert started.layer.wait(60)
            return really(blob)

        target.has_blob = has_blob  # type: ignore[method-assign]
        copy(source, target, CopyOptions(), started)
    assert started.kinds == ["config", "blob"]
