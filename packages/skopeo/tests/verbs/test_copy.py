"""`copy`: its flags, beside Debian's skopeo where it has them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from devtools import images
from devtools.peers import skopeo
from devtools.registry import Registry

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def raw(place: str) -> Any:
    """A manifest as Debian's skopeo reads it."""
    return json.loads(skopeo("inspect", "--raw", "--tls-verify=false", place))


def kinds(place: str) -> list[str]:
    """The compression of each layer."""
    return [layer["mediaType"].rpartition(".")[2] for layer in raw(place)["layers"]]


@pytest.fixture
def busybox(image_layout: Path) -> str:
    return f"oci:{image_layout}:busybox"


@pytest.fixture
def multi(image_layout: Path) -> str:
    return f"oci:{image_layout}:multi"


@pytest.mark.parametrize("words", [("--all",), ("-a",), ("--multi-arch", "all")])
def test_all(tool: Any, multi: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    tool("copy", *words, multi, f"oci:{tmp_path}/out:x")
    assert raw(f"oci:{tmp_path}/out:x") == raw(multi)


def test_one_of_several(tool: Any, multi: str, tmp_path: Path) -> None:
    tool("--override-arch", "arm64", "copy", "--multi-arch=system", multi, f"dir:{tmp_path}/out")
    assert raw(f"dir:{tmp_path}/out")["config"]["digest"]
    assert tool.json("inspect", f"dir:{tmp_path}/out")["Architecture"] == "arm64"


def test_index_only(tool: Any, multi: str, tmp_path: Path, blobs: Any) -> None:
    tool("copy", "--multi-arch", "index-only", multi, f"oci:{tmp_path}/out:x")
    assert raw(f"oci:{tmp_path}/out:x") == raw(multi)
    assert len(blobs(tmp_path / "out")) == 1


def test_some_platforms(tool: Any, multi: str, tmp_path: Path, blobs: Any) -> None:
    place = f"oci:{tmp_path}/out:x"
    tool("copy", "--multi-arch", "linux/arm64", multi, place)
    assert raw(place) == raw(multi)  # sparse: it names what is not there
    assert len(blobs(tmp_path / "out")) == 4
    stripped = f"oci:{tmp_path}/less:x"
    tool("copy", "--multi-arch=linux/arm64", "--strip-removed-platforms", multi, stripped)
    kept = [item for item in raw(multi)["manifests"] if item["platform"]["architecture"] == "arm64"]
    assert raw(stripped)["manifests"] == kept
    both = f"dir:{tmp_path}/both"
    tool("copy", "--multi-arch=linux/amd64, linux/arm64", "--strip-removed-platforms", multi, both)
    assert raw(both) == raw(multi)
    for words, said in (
        (("--multi-arch=linux/s390x",), "no image for platform linux/s390x"),
        (("--multi-arch=some",), "unknown multi-arch option"),
        (("--multi-arch=linux/arm/v7",), "invalid platform format"),
        (("--multi-arch=index-only", "--strip-removed-platforms"), "empty image"),
        (("--multi-arch=linux/arm64", "--strip-removed-platforms", "--preserve-digests"),
         "preserve digests"),
    ):  # fmt: skip
        assert said in tool.refused("copy", *words, multi, f"dir:{tmp_path}/none"), words


def test_all_and_multi_arch_contradict(tool: Any, multi: str, tmp_path: Path) -> None:
    said = tool.refused("copy", "-a", "--multi-arch", "all", multi, f"dir:{tmp_path}/out")
    assert "Cannot use --all and --multi-arch flags together" in said


def test_formats(tool: Any, busybox: str, tmp_path: Path) -> None:
    tool("copy", "--format", "v2s2", busybox, f"dir:{tmp_path}/docker")
    assert raw(f"dir:{tmp_path}/docker")["mediaType"] == DOCKER
    tool("copy", "-f", "oci", f"dir:{tmp_path}/docker", f"dir:{tmp_path}/oci")
    # The same image again, with the words in another order.
    assert raw(f"dir:{tmp_path}/oci") == raw(busybox)


def test_format_of_an_index(tool: Any, multi: str, tmp_path: Path) -> None:
    tool("copy", "--all", "--format", "v2s2", multi, f"dir:{tmp_path}/docker")
    document = raw(f"dir:{tmp_path}/docker")
    assert document["mediaType"] == DOCKER_LIST
    assert [item["mediaType"] for item in document["manifests"]] == [DOCKER, DOCKER]
    assert [item["platform"]["architecture"] for item in document["manifests"]] == [
        "amd64",
        "arm64",
    ]
    # An OCI layout holds no Docker lists: the index and its images become OCI's again.
    tool("copy", "--all", f"dir:{tmp_path}/docker", f"oci:{tmp_path}/oci:x")
    again = raw(f"oci:{tmp_path}/oci:x")
    assert again["mediaType"] == INDEX
    assert [item["platform"] for item in again["manifests"]] == [
        item["platform"] for item in raw(multi)["manifests"]
    ]
    for number, place in enumerate((f"dir:{tmp_path}/docker", f"oci:{tmp_path}/oci:x")):
        skopeo("copy", "--all", place, f"dir:{tmp_path}/read-{number}")


def test_compression(tool: Any, busybox: str, tmp_path: Path) -> None:
    """What is compressed otherwise is compressed anew, as skopeo does."""
    words = ("--dest-compress-format", "zstd", "--dest-compress-level", "3")
    tool("copy", *words, busybox, f"oci:{tmp_path}/ours:x")
    skopeo("copy", *words, busybox, f"oci:{tmp_path}/theirs:x")
    assert kinds(f"oci:{tmp_path}/ours:x") == kinds(f"oci:{tmp_path}/theirs:x") == ["tar+zstd"]
    skopeo("copy", "--dest-decompress", f"oci:{tmp_path}/ours:x", f"dir:{tmp_path}/read")
    tool("copy", "--dest-decompress", busybox, f"dir:{tmp_path}/plain")
    assert raw(f"dir:{tmp_path}/read")["layers"] == raw(f"dir:{tmp_path}/plain")["layers"]


def test_compression_of_an_index(tool: Any, multi: str, tmp_path: Path) -> None:
    tool("copy", "-a", "--dest-compress-format", "zstd", multi, f"oci:{tmp_path}/out:x")
    for architecture in ("amd64", "arm64"):
        words = ("--override-arch", architecture)
        tool(*words, "copy", f"oci:{tmp_path}/out:x", f"dir:{tmp_path}/{architecture}")
        assert kinds(f"dir:{tmp_path}/{architecture}") == ["tar+zstd"]


def test_a_directory_compressed_or_not(tool: Any, busybox: str, tmp_path: Path) -> None:
    tool("copy", "--dest-decompress", busybox, f"dir:{tmp_path}/plain")
    assert kinds(f"dir:{tmp_path}/plain") == ["tar"]
    tool("copy", "--dest-compress", f"dir:{tmp_path}/plain", f"dir:{tmp_path}/packed")
    assert kinds(f"dir:{tmp_path}/packed") == ["tar+gzip"]
    said = tool("copy", "--dest-decompress", busybox, f"oci:{tmp_path}/layout:x").stderr
    assert "--dest-decompress can only be used if the destination transport is 'dir'" in said


def test_preserve_digests(tool: Any, busybox: str, multi: str, tmp_path: Path) -> None:
    tool("copy", "--preserve-digests", "--all", multi, f"oci:{tmp_path}/kept:x")
    assert raw(f"oci:{tmp_path}/kept:x") == raw(multi)
    for words in (
        ("--format", "v2s2", busybox, f"dir:{tmp_path}/out"),
        ("--dest-compress-format", "zstd", busybox, f"dir:{tmp_path}/out"),
        (busybox, f"docker-archive:{tmp_path}/out:a:b"),
        ("--all", "--format", "v2s2", multi, f"dir:{tmp_path}/out"),
    ):
        said = tool.refused("copy", "--preserve-digests", *words)
        assert "Instructed to preserve digests" in said
        assert not (tmp_path / "out").exists()


def test_plain_layers_are_kept_where_digests_are(
    tool: Any, registry: Registry, tmp_path: Path, busybox: str
) -> None:
    """A registry gets layers compressed, but not with --preserve-digests."""
    tool("copy", "--dest-decompress", busybox, f"dir:{tmp_path}/plain")
    place = f"docker://{registry.host}/copy/plain"
    tool("copy", f"dir:{tmp_path}/plain", f"{place}:packed")
    assert kinds(f"{place}:packed") == ["tar+gzip"]
    tool("copy", "--preserve-digests", f"dir:{tmp_path}/plain", f"{place}:kept")
    assert raw(f"{place}:kept") == raw(f"dir:{tmp_path}/plain")


def test_digestfile(tool: Any, busybox: str, tmp_path: Path) -> None:
    tool("copy", "--digestfile", f"{tmp_path}/digest", busybox, f"dir:{tmp_path}/out")
    data = (tmp_path / "out/manifest.json").read_bytes()
    assert (tmp_path / "digest").read_text() == "sha256:" + hashlib.sha256(data).hexdigest()
    said = tool.refused("copy", "--digestfile", "/no/where", busybox, f"dir:{tmp_path}/out")
    assert "writing /no/where" in said


def test_additional_tags(tool: Any, busybox: str, tmp_path: Path) -> None:
    archive = f"docker-archive:{tmp_path}/a.tar"
    words = ("--additional-tag", "localhost/b:2,example.com/c:3")
    tool("copy", *words, busybox, f"{archive}:localhost/a:1")
    found = json.loads(skopeo("list-tags", archive))["Tags"]
    assert sorted(found) == ["example.com/c:3", "localhost/a:1", "localhost/b:2"]
    assert "must be a tagged reference" in tool.refused(
        "copy", "--additional-tag", "b", busybox, f"{archive}2:localhost/a:1"
    )
    assert "needs a docker-archive" in tool.refused(
        "copy", "--additional-tag", "b:1", busybox, f"dir:{tmp_path}/d"
    )


def test_output(tool: Any, busybox: str, multi: str, tmp_path: Path) -> None:
    """On standard output as skopeo's; nothing with --quiet."""
    said = tool("copy", busybox, f"dir:{tmp_path}/out")
    lines = said.stdout.splitlines()
    assert lines[0] == "Getting image source signatures"
    assert [line.rpartition(" ")[0] for line in lines[1:-1]] == ["Copying config", "Copying blob"]
    assert lines[-1] == "Writing manifest to image destination"
    several = tool("copy", "--all", multi, f"dir:{tmp_path}/out").stdout.splitlines()
    assert several[:2] == [
        "Getting image list signatures",
        "Copying 2 images generated from 2 images in list",
    ]
    digests = [item["digest"] for item in raw(multi)["manifests"]]
    assert [line for line in several if line.startswith("Copying image ")] == [
        f"Copying image {digest} ({number}/2)" for number, digest in enumerate(digests, 1)
    ]
    assert several[-1] == "Writing manifest list to image destination"
    quiet = tool("copy", "--quiet", busybox, f"dir:{tmp_path}/out")
    assert quiet.stdout == quiet.stderr == ""


def test_blobs_are_mounted_from_the_source(
    tool: Any, registry: Registry, tmp_path: Path, image_layout: Path
) -> None:
    """In one registry, nothing is uploaded: the log says "skipped" for every layer."""
    recipe = images.ImageRecipe([images.layer([images.Member("own", tmp_path.name.encode())])])
    images.Layout(tmp_path / "own").add("x", recipe)
    first, second = (f"docker://{registry.host}/mount/{name}:1" for name in ("from", "to"))
    tool("copy", f"oci:{tmp_path}/own:x", first)
    assert "skipped: already exists" in tool("copy", first, second).stdout
    assert raw(second) == raw(first)


def test_shared_blobs(tool: Any, busybox: str, multi: str, tmp_path: Path, blobs: Any) -> None:
    shared = f"{tmp_path}/shared"
    for name, words in (("one", (busybox,)), ("two", ("--all", multi))):
        tool("copy", "--dest-shared-blob-dir", shared, *words, f"oci:{tmp_path}/{name}:x")
        assert not blobs(tmp_path / name)
    assert "blob" in tool.refused("copy", f"oci:{tmp_path}/one:x", f"dir:{tmp_path}/out")
    words = ("--src-shared-blob-dir", shared)
    tool("copy", *words, f"oci:{tmp_path}/one:x", f"dir:{tmp_path}/ours")
    skopeo("copy", *words, f"oci:{tmp_path}/two:x", f"dir:{tmp_path}/theirs")
    assert raw(f"dir:{tmp_path}/ours") == raw(busybox)
    assert tool.json("inspect", "--shared-blob-dir", shared, f"oci:{tmp_path}/one:x")["Os"]


def test_command_timeout(tool: Any, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"docker://127.0.0.1:{silent.getsockname()[1]}/a"
        said = tool.refused("--command-timeout", "1s", "copy", place, f"dir:{tmp_path}/out")
    assert "longer than --command-timeout 1s" in said


def test_wrong_words(tool: Any, busybox: str, tmp_path: Path) -> None:
    for words, message in (
        ((busybox,), "accepts 2 arg(s), received 1"),
        ((busybox, "ftp:/x"), 'unknown transport "ftp"'),
        (("--format", "v3", busybox, f"dir:{tmp_path}/x"), 'Choose from: "oci, v2s1, v2s2"'),
        (("--src-creds", ":x", busybox, f"dir:{tmp_path}/x"), "credentials can't be empty"),
        (
            ("--src-no-creds", "--src-creds", "a:b", busybox, f"dir:{tmp_path}/x"),
            "src-creds and src-no-creds cannot be specified together",
        ),
        (("--dest-compress-format", "lzma", busybox, f"dir:{tmp_path}/x"), "unsupported compress"),
    ):
        assert message in tool.refused("copy", *words)


def test_retries(tool: Any, busybox: str) -> None:
    result = tool(
        "copy", "--retry-times", "2", "--retry-delay", "10ms", busybox,
        "docker://127.0.0.1:1/a", check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.count("retrying in 0.01s") == 2


def test_schema1(tool: Any, multi: str, tmp_path: Path) -> None:
    """A registry that takes it, and Debian's skopeo, agree with what is written."""
    source = tmp_path / "source"
    layers = [images.layer([images.Member(name, name.encode())]) for name in ("a", "b")]
    images.Layout(source).add("two", images.ImageRecipe(layers))
    recipe = ("copy", "-q", "--format", "v2s1", f"oci:{source}:two")
    with Registry(tmp_path / "registry", schema1=True) as registry:
        place = f"docker://{registry.host}/old/one:1"
        tool(*recipe, "--digestfile", "digest", place)
        manifest = json.loads(tool("inspect", "--raw", place).stdout)
        assert (manifest["name"], manifest["tag"]) == ("old/one", "1")
        ours = tool.json("inspect", place)
        theirs = json.loads(skopeo("inspect", "--tls-verify=false", place))
        assert {key: ours[key] for key in theirs} == theirs
        assert ours["Digest"] == (tmp_path / "digest").read_text()
        skopeo("copy", "--src-tls-verify=false", place, f"oci:{tmp_path}/theirs:1")
        tool("copy", "-q", place, "oci:ours:1")
    plain = tool.json("inspect", f"oci:{source}:two")["Layers"]
    for back in ("theirs", "ours"):
        assert tool.json("inspect", f"oci:{back}:1")["Layers"] == plain
    assert "cannot hold an image of type" in tool.refused(*recipe, "oci:no:1")
    tool(*recipe, "dir:out")
    assert tool.json("inspect", "dir:out")["Layers"] == plain
    refused = tool.refused("copy", "--all", "--format", "v2s1", multi, "dir:list")
    assert "an index holds no manifests of schema 1" in refused
