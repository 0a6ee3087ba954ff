"""`delete`: tags that share the digest are named, and go only with --all-tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devtools.registry import Registry


@pytest.fixture
def repository(tool: Any, registry: Registry, image_layout: Path, tmp_path: Path) -> str:
    """A repository with two tags of one image, and one of another."""
    place = f"docker://{registry.host}/delete/{tmp_path.name.replace('_', '-').lower()}"
    for name, tag in (("busybox", "one"), ("busybox", "two"), ("multi", "other")):
        tool("copy", "-q", "--all", f"oci:{image_layout}:{name}", f"{place}:{tag}")
    return place


def test_siblings_are_told_and_kept(tool: Any, repository: str) -> None:
    result = tool("delete", f"{repository}:one", check=False)
    said = result.stderr
    assert result.returncode == 1, "2 is for an image that is not there"
    assert "1 other tag would be deleted too, for the same digest: two\n" in said
    assert "--all-tags" in said
    assert sorted(tool.json("list-tags", repository)["Tags"]) == ["one", "other", "two"]


def test_all_tags(tool: Any, repository: str) -> None:
    assert tool("delete", "--all-tags", f"{repository}:one").stdout == "Deleted with it: two\n"
    assert "other" in tool.json("list-tags", repository)["Tags"]
    assert "manifest unknown" in tool.refused("inspect", f"{repository}:two")


def test_alone(tool: Any, repository: str) -> None:
    assert tool("delete", f"{repository}:other").stdout == ""
    assert "manifest unknown" in tool.refused("inspect", f"{repository}:other")
    result = tool("delete", f"{repository}:other", check=False)
    assert result.returncode == 2, "skopeo(1): the image cannot be found"


def test_by_digest(tool: Any, repository: str) -> None:
    digest = tool.json("inspect", f"{repository}:one")["Digest"]
    said = tool.refused("delete", f"{repository}@{digest}")
    assert "one, two" in said
    tool("delete", "--all-tags", f"{repository}@{digest}")
    assert "manifest unknown" in tool.refused("inspect", f"{repository}:one")


def test_layout(tool: Any, tmp_path: Path, image_layout: Path) -> None:
    for tag in ("a", "b"):
        tool("copy", "-q", f"oci:{image_layout}:busybox", f"oci:{tmp_path}/layout:{tag}")
    tool("delete", f"oci:{tmp_path}/layout:a")
    assert "image not known" in tool.refused("inspect", f"oci:{tmp_path}/layout:a")
    tool("inspect", f"oci:{tmp_path}/layout:b")


def test_where_nothing_can_be_deleted(tool: Any, tmp_path: Path, image_layout: Path) -> None:
    tool("copy", "-q", f"oci:{image_layout}:busybox", f"dir:{tmp_path}/image")
    assert "cannot be deleted" in tool.refused("delete", f"dir:{tmp_path}/image")
