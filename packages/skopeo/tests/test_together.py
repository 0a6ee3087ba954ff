"""Several commands at once on one OCI layout; and one that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from devtools import images
from devtools.dying import killed_at
from devtools.peers import skopeo
from rundlet.core.transports.files import HiddenDirectory, left_hidden

SHARED = images.layer([images.Member("shared", os.urandom(300_000))])


def test_many_writers_of_a_layout(tool: Any, tmp_path: Path) -> None:
    """Each image is there at the end, whole: skopeo loses some here (its index.json)."""
    origin = images.Layout(tmp_path / "origin")
    names = [f"image-{number}" for number in range(12)]
    for name in names:
        own = images.layer([images.Member(name, name.encode())])
        origin.add(name, images.ImageRecipe([SHARED, own]))
    with ThreadPoolExecutor(6) as pool:
        list(
            pool.map(
                lambda name: tool(
                    "copy", "-q", f"oci:{tmp_path}/origin:{name}", f"oci:{tmp_path}/layout:{name}"
                ),
                names,
            )
        )
    assert sorted(tool.json("list-tags", f"oci:{tmp_path}/layout")["Tags"]) == sorted(names)
    for name in names:
        skopeo("copy", f"oci:{tmp_path}/layout:{name}", f"dir:{tmp_path}/read-{name}")
    leftovers = list((tmp_path / "layout").rglob(".*"))
    assert not leftovers


def test_killed_in_the_middle(tool: Any, tmp_path: Path) -> None:
    """What was there stays as it was; doing it again works."""
    big = images.layer([images.Member(str(number), os.urandom(4 << 20)) for number in range(6)])
    origin = images.Layout(tmp_path / "origin")
    origin.add("small", images.ImageRecipe([SHARED]))
    origin.add("big", images.ImageRecipe([big]))
    target = f"oci:{tmp_path}/layout"
    tool("copy", "-q", f"oci:{tmp_path}/origin:small", f"{target}:image")
    before = (tmp_path / "layout/index.json").read_bytes()
    words = ["rundlet-skopeo", "copy", "--dest-compress-format", "zstd"]
    with subprocess.Popen(
        [*words, f"oci:{tmp_path}/origin:big", f"{target}:image"],
        env=tool.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"Copying blob"):
                break
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "layout/index.json").read_bytes() == before
    assert tool.json("inspect", f"{target}:image")["Os"] == "linux"
    tool("copy", "-q", f"oci:{tmp_path}/origin:big", f"{target}:image")
    index = json.loads((tmp_path / "layout/index.json").read_text())
    assert len(index["manifests"]) == 1


@pytest.mark.parametrize(
    ("target", "at"),
    [
        ("dir:{}", "rundlet.core.transports.directory:DirectoryDestination.commit"),
        ("oci:{}:image", "os:rename"),  # of the index
    ],
)
def test_the_next_copy_clears_what_a_killed_one_left(
    tool: Any, tmp_path: Path, target: str, at: str
) -> None:
    origin = images.Layout(tmp_path / "origin")
    for name in ("one", "two"):
        origin.add(name, images.ImageRecipe([images.layer([images.Member(name, name.encode())])]))
    path = tmp_path / "copy"
    target = target.format(path)
    tool("copy", "-q", f"oci:{tmp_path}/origin:one", target)
    before = tool("inspect", target).stdout
    words = ("copy", "-q", f"oci:{tmp_path}/origin:two", target)
    killed_at(at, *words, environment=tool.environment, program="rundlet.skopeo.main")
    (left,) = left_hidden(str(path / "index.json" if target.startswith("oci") else path))
    assert tool("inspect", target).stdout == before
    tool(*words)
    assert not Path(left).exists()
    assert not list(tmp_path.rglob(".*"))
    assert tool("inspect", target).stdout != before


def test_a_directory_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "copy")
    ours = HiddenDirectory(path)
    for other in ("backup", "12-backup", "x-0a0b0c0d"):
        (tmp_path / f".copy.{other}").mkdir()
    HiddenDirectory(path).close()
    assert Path(ours.name).is_dir()
    ours.close()
    assert len(list(tmp_path.iterdir())) == 3
