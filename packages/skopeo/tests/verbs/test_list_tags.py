"""`list-tags`, as Debian's skopeo prints it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from devtools.peers import skopeo
from devtools.registry import Registry


def test_registry(tool: Any, registry: Registry, image_layout: Path) -> None:
    repository = f"docker://{registry.host}/tags/many"
    for tag in ("one", "two", "v1.0"):
        tool("copy", "-q", f"oci:{image_layout}:busybox", f"{repository}:{tag}")
    found = tool("list-tags", repository).stdout
    assert found == skopeo("list-tags", "--tls-verify=false", repository)
    assert sorted(json.loads(found)["Tags"]) == ["one", "two", "v1.0"]


def test_archive(tool: Any, tmp_path: Path, image_layout: Path) -> None:
    archive = f"docker-archive:{tmp_path}/a.tar"
    tool("copy", f"oci:{image_layout}:busybox", f"{archive}:example.com/busybox:1")
    assert tool("list-tags", archive).stdout == skopeo("list-tags", archive)


def test_refused(tool: Any, registry: Registry, tmp_path: Path) -> None:
    assert "No tag or digest allowed in reference" in tool.refused(
        "list-tags", f"docker://{registry.host}/busybox:latest"
    )
    assert "name unknown" in tool.refused("list-tags", f"docker://{registry.host}/nowhere")
    assert "has no tags" in tool.refused("list-tags", f"dir:{tmp_path}")
