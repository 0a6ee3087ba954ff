"""rundlet-build through its installed script, over a store that the engine filled."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rundlet.core import Engine

SCRIPT = Path(sys.executable).with_name("rundlet-build")


@pytest.fixture
def store(tmp_path: Path, busybox_archive: Path) -> list[str]:
    """Global options of a store that holds busybox."""
    with Engine(root=str(tmp_path / "root"), runroot=str(tmp_path / "run")) as engine:
        image = engine.images.pull(f"oci-archive:{busybox_archive}")
        engine.images.tag(image.id, "localhost/busybox:latest")
    return ["--root", str(tmp_path / "root"), "--runroot", str(tmp_path / "run")]


def rundlet_build(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *words], capture_output=True, text=True, check=False)


@pytest.mark.e2e
def test_images_in_buildahs_columns(store: list[str]) -> None:
    result = rundlet_build(*store, "images")
    assert result.returncode == 0, result.stderr
    heading, line = result.stdout.splitlines()
    assert heading.split("   ")[0].strip() == "REPOSITORY"
    assert line.startswith("localhost/busybox   latest   ")
    assert heading.index("IMAGE ID") == line.index("latest") + len("latest   ")


@pytest.mark.e2e
def test_images_as_json_and_by_template(store: list[str]) -> None:
    (one,) = json.loads(rundlet_build(*store, "images", "--json").stdout)
    assert one["names"] == ["localhost/busybox:latest"]
    result = rundlet_build(*store, "images", "--format", "{{.ID}} {{.Name}}")
    assert result.stdout == f"{one['id']} localhost/busybox\n"


@pytest.mark.e2e
def test_unknown_image_and_unknown_verb(store: list[str]) -> None:
    result = rundlet_build(*store, "images", "nosuch")
    assert (result.returncode, result.stderr) == (125, "Error: nosuch: image not known\n")
    result = rundlet_build("nosuch")
    assert result.returncode == 125 and "unrecognized command" in result.stderr


@pytest.mark.e2e
def test_version() -> None:
    assert rundlet_build("version").stdout.startswith("Version:         0.1.0\n")
