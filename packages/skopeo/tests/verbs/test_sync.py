"""`sync`, beside Debian's skopeo where it can do the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools import images
from devtools.peers import skopeo
from devtools.registry import Registry

SAME = images.layer([images.Member("shared", os.urandom(100_000))])


def recipe(name: str) -> images.ImageRecipe:
    """An image with a layer that all share, and one of its own."""
    own = images.layer([images.Member(name, name.encode())])
    return images.ImageRecipe([SAME, own], {"Labels": {"name": name}})


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with team/a:1.0, team/a:1.1, team/a:2.0 and team/b:1.0, team/b:edge."""
    directory = tmp_path_factory.mktemp("source")
    layout = images.Layout(directory / "layout")
    with Registry(directory / "registry") as registry:
        for name in ("a:1.0", "a:1.1", "a:2.0", "b:1.0", "b:edge"):
            layout.add(name, recipe(name))
            skopeo(
                "copy", "--dest-tls-verify=false", f"oci:{directory}/layout:{name}",
                f"docker://{registry.host}/team/{name}",
            )  # fmt: skip
        yield registry


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Registry]:
    with Registry(tmp_path / "mirror") as registry:
        yield registry


def digests(place: Path) -> dict[str, str]:
    """The images below a directory, by name: what their manifests say."""
    return {
        str(file.parent.relative_to(place)): json.loads(file.read_text())["config"]["digest"]
        for file in place.rglob("manifest.json")
    }


@pytest.mark.parametrize("scoped", [(), ("--scoped",)])
def test_registry_to_directories(
    tool: Any, source: Registry, tmp_path: Path, scoped: tuple[str, ...]
) -> None:
    words = ("--src", "docker", "--dest", "dir", *scoped, f"{source.host}/team/a")
    said = tool("sync", *words, f"{tmp_path}/ours").stdout
    skopeo("sync", "--src-tls-verify=false", *words, f"{tmp_path}/theirs")
    assert digests(tmp_path / "ours") == digests(tmp_path / "theirs")
    assert len(digests(tmp_path / "ours")) == 3
    assert said.count("Copied image ") == 3
    assert said.endswith("Synced 3 images from 1 sources\n")


def test_shared_blobs_are_linked(tool: Any, source: Registry, tmp_path: Path) -> None:
    words = ("--src", "docker", "--dest", "dir", f"{source.host}/team/a", f"{tmp_path}/out")
    said = tool("sync", *words).stdout
    shared = json.loads((tmp_path / "out/a:1.0/manifest.json").read_text())["layers"][0]["digest"]
    files = [tmp_path / "out" / name / shared[7:] for name in ("a:1.0", "a:1.1", "a:2.0")]
    assert len({file.stat().st_ino for file in files}) == 1
    assert said.count(f"Copying blob {shared}\n") == 1, "it went over the network once"


def test_directories_to_registry(
    tool: Any, source: Registry, mirror: Registry, tmp_path: Path
) -> None:
    words = ("--src", "docker", "--dest", "dir", "--scoped", f"{source.host}/team/a")
    tool("sync", *words, f"{tmp_path}/usb")
    tool("sync", "--src", "dir", "--dest", "docker", f"{tmp_path}/usb", f"{mirror.host}/copy")
    found = json.loads(skopeo("list-tags", "--tls-verify=false", f"docker://{mirror.host}/copy/a"))
    assert sorted(found["Tags"]) == ["1.0", "1.1", "2.0"]
    one = f"{tmp_path}/usb/{source.host}/team/a:1.0"
    tool("sync", "--src", "dir", "--dest", "docker", one, f"{mirror.host}/single")
    assert tool.json("list-tags", f"docker://{mirror.host}/single/a")["Tags"] == ["1.0"]


def test_registry_to_registry(
    tool: Any, source: Registry, mirror: Registry, tmp_path: Path
) -> None:
    words = ["sync", "-s", "docker", "-d", "docker", "--append-suffix", "-mirror"]
    words += ["--digestfile", f"{tmp_path}/digests", f"{source.host}/team/a", mirror.host]
    tool(*words)
    repository = f"docker://{mirror.host}/a"
    assert sorted(tool.json("list-tags", repository)["Tags"]) == [
        "1.0-mirror", "1.1-mirror", "2.0-mirror",
    ]  # fmt: skip
    for line in (tmp_path / "digests").read_text().splitlines():
        digest, name = line.split()
        assert tool.json("inspect", name)["Digest"] == digest
        origin = name.replace(mirror.host, f"{source.host}/team").removesuffix("-mirror")
        assert tool.json("inspect", origin)["Digest"] == digest
    again = tool(*words).stdout
    assert again.count("Kept image ") == 3 and "Copying" not in again


def test_file(tool: Any, source: Registry, mirror: Registry, tmp_path: Path) -> None:
    digest = tool.json("inspect", f"docker://{source.host}/team/b:edge")["Digest"]
    listing = tmp_path / "sync.yml"
    listing.write_text(f"""
{source.host}:
    tls-verify: false
    images:
        team/b: ["1.0", "{digest}"]
    images-by-semver:
        team/a: ">= 1.1"
""")
    words = ("sync", "--src", "yaml", "--dest", "docker", str(listing), f"{mirror.host}/all")
    said = tool(*words).stdout
    assert said.endswith("Synced 4 images from 2 sources\n")
    assert sorted(tool.json("list-tags", f"docker://{mirror.host}/all/a")["Tags"]) == ["1.1", "2.0"]
    assert tool.json("inspect", f"docker://{mirror.host}/all/b@{digest}")["Digest"] == digest
    tool(*words[:-1], f"{mirror.host}/more", "--append-suffix=-x")  # a digest has no end
    assert tool.json("list-tags", f"docker://{mirror.host}/more/b")["Tags"] == ["1.0-x"]


def test_layouts(tool: Any, source: Registry, mirror: Registry, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    tool("sync", "-s", "docker", "-d", "oci", f"{source.host}/team/a", str(layout))
    assert sorted(tool.json("list-tags", f"oci:{layout}")["Tags"]) == ["a:1.0", "a:1.1", "a:2.0"]
    tool("sync", "-s", "oci", "-d", "docker", str(layout), f"{mirror.host}/from")
    assert len(tool.json("list-tags", f"docker://{mirror.host}/from/a")["Tags"]) == 3


def test_dry_run(tool: Any, source: Registry, tmp_path: Path) -> None:
    words = ("--src", "docker", "--dest", "dir", f"{source.host}/team/b", f"{tmp_path}/out")
    said = tool("sync", "--dry-run", *words).stdout
    assert f"from docker://{source.host}/team/b:1.0 to dir:{tmp_path}/out/b:1.0" in said
    assert said.endswith("Would have synced 2 images from 1 sources\n")
    assert not (tmp_path / "out").exists()


def test_keep_going(tool: Any, source: Registry, tmp_path: Path) -> None:
    """One of three cannot be copied: the others are, and it is told."""
    listing = tmp_path / "sync.yml"
    listing.write_text(f'{source.host}:\n  images: {{team/a: ["1.0", "9.9", "2.0"]}}\n')
    words = ("--src", "yaml", "--dest", "dir", str(listing))
    said = tool.refused("sync", "--keep-going", *words, f"{tmp_path}/out")
    assert "team/a:9.9" in said and "Sync failed due to previous reported error(s)" in said
    assert sorted(digests(tmp_path / "out")) == ["a:1.0", "a:2.0"]
    assert "manifest unknown" in tool.refused("sync", *words, f"{tmp_path}/other")


def test_refused(tool: Any, source: Registry, tmp_path: Path) -> None:
    (tmp_path / "here/b:1.0").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    listing = tmp_path / "sync.yml"
    listing.write_text(f'{source.host}: {{images: {{team/a: ["1.0"], other/a: ["1.0"]}}}}\n')
    place = f"{source.host}/team/b"
    for words, message in (
        (("--dest", "dir", place, "x"), "A source transport must be specified"),
        (("--src", "docker", place, "x"), "A destination transport must be specified"),
        (("--src", "dir", "--dest", "dir", "x", "y"), "not implemented"),
        (("--src", "docker", "--dest", "dir", place, f"{tmp_path}/here"), "Refusing to overwrite"),
        (("--src", "dir", "--dest", "docker", f"{tmp_path}/empty", "x"), "No images to sync"),
        (("--src", "dir", "--dest", "docker", f"{tmp_path}/none", "x"), "Invalid source directory"),
        (("--src", "yaml", "--dest", "dir", str(listing), f"{tmp_path}/o"), "Use --scoped"),
    ):
        assert message in tool.refused("sync", *words)
    assert not (tmp_path / "here/b:edge").exists(), "nothing was begun"
