"""Manifest lists: made by builds for several platforms and by hand, pushed, kept whole."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs

PLATFORMS = ("--platform", "linux/amd64,linux/arm64")


@pytest.fixture
def listed(builder: Any, context: Path) -> Path:
    """A context of which localhost/many holds an image for each of two platforms."""
    (context / "Containerfile").write_text("FROM scratch\nARG TARGETARCH\nLABEL a=$TARGETARCH\n")
    builder("build", *PLATFORMS, "--manifest", "many", str(context))
    return context


def entries(builder: Any, name: str) -> list[dict[str, Any]]:
    found = json.loads(builder("manifest", "inspect", name).stdout)
    assert found["mediaType"] == "application/vnd.oci.image.index.v1+json"
    return list(found["manifests"])


def test_a_build_for_several_platforms_gives_a_list(builder: Any, listed: Path) -> None:
    found = entries(builder, "many")
    platforms = [(one["platform"]["os"], one["platform"]["architecture"]) for one in found]
    assert platforms == [("linux", "amd64"), ("linux", "arm64")]
    assert builder.config("many")["config"]["Labels"] == {"a": "amd64"}, "this machine's"
    before = [one["digest"] for one in found]
    (listed / "Containerfile").write_text("FROM scratch\nLABEL new=yes\n")
    builder("build", "--platform", "linux/arm64", "--manifest", "many", str(listed))
    after = [one["digest"] for one in entries(builder, "many")]
    assert after[0] == before[0]
    assert after[1] != before[1], "a platform's new image takes the place of the old one"


def test_a_list_is_pushed_with_its_images(
    builder: Any, listed: Path, registry: Any, tmp_path: Path
) -> None:
    needs("skopeo")
    target = f"docker://{registry.host}/many:latest"
    digest = tmp_path / "digest"
    words = ("--tls-verify=false", "--digestfile", str(digest), "--rm")
    builder("manifest", "push", "--all", *words, "many", target)
    done = subprocess.run(
        ["skopeo", "inspect", "--raw", "--tls-verify=false", target],
        capture_output=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert [one["platform"]["architecture"] for one in found["manifests"]] == ["amd64", "arm64"]
    assert digest.read_text().startswith("sha256:")
    assert builder("manifest", "exists", "many", check=False).returncode == 1, "--rm"
    for architecture in ("amd64", "arm64"):
        config = subprocess.run(
            [
                *("skopeo", "--override-arch", architecture, "inspect", "--config"),
                *("--tls-verify=false", target),
            ],
            capture_output=True,
            check=True,
        )
        assert json.loads(config.stdout)["config"]["Labels"] == {"a": architecture}
    there = builder("manifest", "inspect", "-v", "--insecure", target.removeprefix("docker://"))
    assert json.loads(there.stdout) == found
    made = builder("manifest", "create", "--all", "--tls-verify=false", "back", target)
    assert len(made.stdout.strip()) == 64
    assert [one["digest"] for one in entries(builder, "back")] == [
        one["digest"] for one in found["manifests"]
    ]


def test_a_list_elsewhere_is_inspected(builder: Any, listed: Path, tmp_path: Path) -> None:
    place = f"oci:{tmp_path / 'layout'}:many"
    builder("manifest", "push", "-q", "many", place)
    assert entries(builder, place) == entries(builder, "many")
    done = builder("manifest", "inspect", "localhost:1/none", check=False)
    assert (done.returncode, "pinging container registry" in done.stderr) == (125, True)


def test_buildah_reads_a_list_in_a_layout(
    builder: Any, buildah: Any, listed: Path, tmp_path: Path
) -> None:
    layout = f"oci:{tmp_path / 'layout'}:many"
    builder("manifest", "push", "many", layout)
    image = buildah("pull", "-q", layout).split()[-1]
    found = json.loads(buildah("inspect", "--type", "image", image))
    assert found["OCIv1"]["config"]["Labels"] == {"a": "amd64"}


def test_added_compressions(
    builder: Any, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instances with zstd come after those that everybody reads; what is there is not added."""
    (context / "Containerfile").write_text("FROM scratch\nARG TARGETARCH\nCOPY . /\n")
    builder("build", *PLATFORMS, "--manifest", "many", str(context))
    before = entries(builder, "many")
    conf = tmp_path / "containers.conf"
    conf.write_text('[engine]\nadd_compression = ["zstd:chunked", "gzip"]\n')
    monkeypatch.setenv("CONTAINERS_CONF", str(conf))
    for number, words in enumerate(((), ("--add-compression", "zstd"))):
        layout = tmp_path / f"layout{number}"
        builder("manifest", "push", *words, "many", f"oci:{layout}:many")

        def read(digest: str, layout: Path = layout) -> dict[str, Any]:
            found: dict[str, Any] = json.loads(
                (layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_text()
            )
            return found

        (top,) = json.loads((layout / "index.json").read_text())["manifests"]
        found = read(top["digest"])["manifests"]
        assert found[:2] == before
        assert [one["platform"] for one in found[2:]] == [one["platform"] for one in before]
        for one in found[2:]:
            assert one["annotations"] == {"io.github.containers.compression.zstd": "true"}
            (layer,) = read(one["digest"])["layers"]
            assert layer["mediaType"].endswith("+zstd")
            chunked = "io.github.containers.zstd-chunked.manifest-checksum"
            assert (chunked in layer.get("annotations", {})) == (not words)
    for words in (("zstd", "--format", "v2s2"), ("xz",)):
        target = f"oci:{tmp_path}/no:1"
        push = ("manifest", "push", "--add-compression", *words, "many", target)
        assert builder(*push, check=False).returncode == 125


def test_by_hand(builder: Any, listed: Path) -> None:
    first, second = (one["digest"] for one in entries(builder, "many"))
    words = ("--annotation", "of=list", "own", "localhost/busybox")
    identity = builder("manifest", "create", *words).stdout.strip()
    done = builder("manifest", "create", "own", check=False)
    assert done.returncode == 125
    assert "localhost/own:latest already exists" in done.stderr
    assert builder("manifest", "create", "--amend", "own").stdout.strip() == identity
    for words in (("busybox",), ("--amend", "busybox")):
        done = builder("manifest", "create", *words, check=False)
        assert done.returncode == 125, "the name of an image"
    words = ("--arch", "arm", "--variant", "v7", "--os-features", "a,b", "--annotation", "k=v")
    builder("manifest", "add", *words, "own", "localhost/many")
    added = entries(builder, "own")[1]
    platform = {"architecture": "arm", "os": "linux", "variant": "v7", "os.features": ["a", "b"]}
    assert (added["digest"], added["platform"]) == (first, platform)
    assert added["annotations"] == {"k": "v"}
    builder("manifest", "annotate", "--variant", "v6", "--os-version", "1", "own", "localhost/many")
    changed = entries(builder, "own")[1]["platform"]
    assert changed == {**platform, "variant": "v6", "os.version": "1"}
    assert len(entries(builder, "own")) == 2
    builder("manifest", "remove", "own", first)
    assert len(entries(builder, "own")) == 1
    done = builder("manifest", "remove", "own", second, check=False)
    assert f"no image {second} in the manifest list localhost/own:latest" in done.stderr
    builder("manifest", "annotate", "--index", "--annotation", "more=1", "own")
    document = json.loads(builder("manifest", "inspect", "own").stdout)
    assert document["annotations"] == {"of": "list", "more": "1"}
    for words in (("own",), ("--index", "own", first), ("--index", "--arch=arm", "own")):
        assert builder("manifest", "annotate", *words, check=False).returncode == 125
    out = builder("manifest", "rm", "--ignore", "none", "own").stdout
    assert out == f"untagged: localhost/own:latest\n{identity}\n"
    done = builder("manifest", "rm", "own", check=False)
    assert (done.returncode, done.stderr) == (1, "Error: own: image not known\n")
    done = builder("manifest", "rm", "busybox", check=False)
    assert (done.returncode, "image is not a manifest list" in done.stderr) == (125, True)
    assert builder("manifest", "inspect", "own", check=False).returncode == 125


def test_an_image_that_is_gone_is_named(builder: Any, listed: Path, tmp_path: Path) -> None:
    digest = entries(builder, "many")[1]["digest"]
    with builder.engine() as engine:
        (row,) = engine.database.rows("SELECT id FROM images WHERE manifest = ?", digest)
        engine.images.remove(row[0], force=True)
    done = builder("manifest", "push", "many", f"oci:{tmp_path / 'no'}:x", check=False)
    assert done.returncode == 125
    assert f"image {row[0][:12]} of the manifest list localhost/many:latest is gone" in done.stderr
    assert not (tmp_path / "no" / "index.json").exists()
    builder("manifest", "remove", "many", digest)
    builder("manifest", "push", "many", f"oci:{tmp_path / 'yes'}:x")


def test_many_add_at_once(builder: Any, listed: Path) -> None:
    builder("manifest", "create", "all")
    (listed / "Containerfile").write_text("FROM scratch\nARG N\nLABEL n=$N\n")
    images = [builder.build(listed, "--build-arg", f"N={number}") for number in range(6)]
    running = [
        subprocess.Popen(
            [*builder.command, "manifest", "add", "--arch", f"a{number}", "all", image],
            stdout=subprocess.DEVNULL,
        )
        for number, image in enumerate(images)
    ]
    assert [process.wait(60) for process in running] == [0] * 6
    found = {one["platform"]["architecture"] for one in entries(builder, "all")}
    assert found == {"a0", "a1", "a2", "a3", "a4", "a5"}
