"""Source images, made and changed here and by Debian's buildah."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs

pytestmark = pytest.mark.e2e


def manifest(path: Path) -> dict[str, Any]:
    (entry,) = json.loads((path / "index.json").read_text())["manifests"]
    return dict(json.loads((path / "blobs" / entry["digest"].replace(":", "/")).read_text()))


def members(path: Path) -> list[list[str]]:
    found = []
    for layer in manifest(path)["layers"]:
        with tarfile.open(path / "blobs" / layer["digest"].replace(":", "/")) as archive:
            found.append(sorted(archive.getnames()))
    return found


def test_a_source_image_goes_round(builder: Any, registry: Any, tmp_path: Path) -> None:
    needs("buildah")
    tree, file = tmp_path / "tree", tmp_path / "source.tar"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub/f").write_text("f")
    file.write_bytes(b"not looked into")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    buildah = ("buildah", "source")
    builder("source", "create", "--author", "me", str(ours))
    builder("source", "add", "--annotation", "kind=tree", str(ours), str(tree))
    subprocess.run([*buildah, "add", str(ours), str(file)], check=True)
    subprocess.run([*buildah, "create", str(theirs)], check=True)
    subprocess.run([*buildah, "add", str(theirs), str(tree)], check=True)
    builder("source", "add", str(theirs), str(file))
    for path in (ours, theirs):
        assert members(path) == [["sub", "sub/f"], ["source.tar"]]
        blobs = {layer["digest"] for layer in manifest(path)["layers"]}
        assert len(list((path / "blobs/sha256").iterdir())) == len(blobs) + 2
    assert manifest(ours)["layers"][0]["annotations"] == {"kind": "tree"}
    config = manifest(ours)["config"]
    assert config["mediaType"] == manifest(theirs)["config"]["mediaType"]
    name = f"{registry.host}/sources:1"
    words = ("--tls-verify=false", "-q", "--digestfile", str(tmp_path / "digest"))
    builder("source", "push", *words, str(ours), name)
    (entry,) = json.loads((ours / "index.json").read_text())["manifests"]
    assert (tmp_path / "digest").read_text() == entry["digest"]
    builder("source", "pull", "--tls-verify=false", name, str(tmp_path / "pulled"))
    subprocess.run(
        [*buildah, "pull", "-q", "--tls-verify=false", name, str(tmp_path / "again")], check=True
    )
    assert manifest(tmp_path / "pulled") == manifest(tmp_path / "again") == manifest(ours)


def test_what_is_no_source_image(builder: Any, registry: Any, tmp_path: Path) -> None:
    layout = str(tmp_path / "layout")
    builder("source", "create", layout)
    again = builder("source", "create", layout, check=False)
    assert again.returncode == 125 and "already exists" in again.stderr
    builder("source", "create", "--time-stamp=false", f"{tmp_path}/named:one")
    builder("source", "create", f"{tmp_path}/named:two")
    builder("source", "add", f"{tmp_path}/named:two", "/etc/hostname")
    names = json.loads((tmp_path / "named/index.json").read_text())["manifests"]
    assert len({one["digest"] for one in names}) == 2
    short = builder("source", "push", layout, "busybox", check=False)
    assert short.returncode == 125 and "short name" in short.stderr
    missing = builder("source", "add", layout, str(tmp_path / "nosuch"), check=False)
    assert missing.returncode == 125 and "no such file" in missing.stderr
    name = f"{registry.host}/image:1"
    builder("push", "--tls-verify=false", "busybox", f"docker://{name}")
    other = builder("source", "pull", "--tls-verify=false", name, f"{tmp_path}/x", check=False)
    assert other.returncode == 125 and "invalid media type" in other.stderr
    assert not (tmp_path / "x").exists()
