"""`manifest-digest`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from devtools.peers import skopeo


def test_same_digest(tool: Any, tmp_path: Path, image_layout: Path) -> None:
    tool("copy", "-q", f"oci:{image_layout}:busybox", f"dir:{tmp_path}/image")
    file = f"{tmp_path}/image/manifest.json"
    assert tool("manifest-digest", file).stdout == skopeo("manifest-digest", file)
    assert (
        tool("manifest-digest", file).stdout.strip()
        == tool.json("inspect", f"dir:{tmp_path}/image")["Digest"]
    )


def test_no_file(tool: Any, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "nothing", ignore_errors=True)
    assert "Error reading" in tool.refused("manifest-digest", f"{tmp_path}/nothing")
