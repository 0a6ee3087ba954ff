"""Both ways with the tools of this field: what they write is read here, and the other way."""

import hashlib
import io
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from rundlet.core.content.compress import decompressed
from rundlet.core.contracts.transport import ImageTransport, ManifestBytes, TransportSettings
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.testing.transport import read_all
from rundlet.core.transports.directory import DirectoryTransport
from rundlet.core.transports.docker_archive import DockerArchiveTransport
from rundlet.core.transports.oci import OciTransport
from rundlet.core.transports.oci_archive import OciArchiveTransport

SETTINGS = TransportSettings()
TRANSPORTS: dict[str, ImageTransport] = {
    each.name: each
    for each in (
        OciTransport(),
        OciArchiveTransport(),
        DockerArchiveTransport(),
        DirectoryTransport(),
    )
}
PLACES = {
    "oci": "layout:tag",
    "oci-archive": "oci.tar:tag",
    "docker-archive": "docker.tar:docker.io/library/busybox:tag",
    "dir": "directory",
}


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def skopeo(*arguments: str) -> str:
    needs("skopeo")
    return run("skopeo", "--insecure-policy", *arguments)


def descriptor(item: dict[str, Any]) -> Descriptor:
    return Descriptor(item["digest"], item["size"], item["mediaType"])


def diff_ids(transport: ImageTransport, text: str) -> list[str]:
    """Digests of the plain layers, as read; checked against the config."""
    with transport.source(transport.parse(text), SETTINGS) as source:
        manifest = json.loads(source.manifest().data)
        with source.blob(descriptor(manifest["config"])) as stream:
            config = json.loads(read_all(stream))
        found = []
        for item in manifest["layers"]:
            with decompressed(source.blob(descriptor(item))) as stream:
                found.append("sha256:" + hashlib.sha256(read_all(stream)).hexdigest())
    assert found == config["rootfs"]["diff_ids"]
    return found


def copy(source_text: str, target: ImageTransport, target_text: str) -> None:
    """Our own copy from an OCI layout, plain: layers unpacked where the destination says so."""
    origin = TRANSPORTS["oci"]
    with (
        origin.source(origin.parse(source_text), SETTINGS) as source,
        target.destination(target.parse(target_text), SETTINGS) as out,
    ):
        manifest = json.loads(source.manifest().data)
        config = descriptor(manifest["config"])
        out.put_blob(config, source.blob(config))
        for item in manifest["layers"]:
            stream = source.blob(descriptor(item))
            if out.compress == "uncompressed":
                media_type = "application/vnd.docker.image.rootfs.diff.tar"
                plain = out.put_blob(Descriptor("", -1, media_type), decompressed(stream))
                item.update(mediaType=media_type, digest=plain.digest, size=plain.size)
            else:
                out.put_blob(descriptor(item), stream)
        out.put_manifest(ManifestBytes(json.dumps(manifest).encode(), manifest["mediaType"]))
        out.commit()


@pytest.mark.parametrize("name", PLACES)
def test_skopeo_writes_we_read(name: str, image_layout: Path, tmp_path: Path) -> None:
    place = f"{tmp_path}/{PLACES[name]}"
    skopeo("copy", f"oci:{image_layout}:busybox", f"{name}:{place}")
    expected = diff_ids(TRANSPORTS["oci"], f"{image_layout}:busybox")
    assert diff_ids(TRANSPORTS[name], place) == expected


@pytest.mark.parametrize("name", PLACES)
def test_we_write_skopeo_reads(name: str, image_layout: Path, tmp_path: Path) -> None:
    place = f"{tmp_path}/{PLACES[name]}"
    copy(f"{image_layout}:busybox", TRANSPORTS[name], place)
    inspected = json.loads(skopeo("inspect", f"{name}:{place}"))
    assert inspected["Architecture"] == "amd64"
    skopeo("copy", f"{name}:{place}", f"oci:{tmp_path}/back:tag")
    expected = diff_ids(TRANSPORTS["oci"], f"{image_layout}:busybox")
    assert diff_ids(TRANSPORTS["oci"], f"{tmp_path}/back:tag") == expected


def test_umoci_unpacks_what_we_write(image_layout: Path, tmp_path: Path) -> None:
    needs("umoci")
    copy(f"{image_layout}:busybox", TRANSPORTS["oci"], f"{tmp_path}/layout:tag")
    run("umoci", "unpack", "--image", f"{tmp_path}/layout:tag", f"{tmp_path}/bundle")
    assert (tmp_path / "bundle/rootfs/bin/sh").is_symlink()


def test_umoci_writes_we_read(image_layout: Path, tmp_path: Path) -> None:
    needs("umoci")
    copy(f"{image_layout}:busybox", TRANSPORTS["oci"], f"{tmp_path}/layout:tag")
    run("umoci", "unpack", "--image", f"{tmp_path}/layout:tag", f"{tmp_path}/bundle")
    (tmp_path / "bundle/rootfs/added").write_text("here")
    run("umoci", "repack", "--image", f"{tmp_path}/layout:changed", f"{tmp_path}/bundle")
    assert len(diff_ids(TRANSPORTS["oci"], f"{tmp_path}/layout:changed")) == 2
    run("umoci", "config", "--image", f"{tmp_path}/layout:tag", "--config.user", "nobody")
    assert len(diff_ids(TRANSPORTS["oci"], f"{tmp_path}/layout:tag")) == 1


@pytest.fixture
def podman() -> Iterator[Callable[..., str]]:
    """podman with a store of its own (its run root must have a short name)."""
    needs("podman")
    with tempfile.TemporaryDirectory(prefix="pod") as root:
        places = ["--root", f"{root}/s", "--runroot", f"{root}/r", "--tmpdir", f"{root}/t"]
        yield lambda *arguments: run(
            "podman", *places, "--storage-driver", "vfs", "--events-backend", "file", *arguments
        )


def test_podman_both_ways(image_layout: Path, tmp_path: Path, podman: Callable[..., str]) -> None:
    ours = f"{tmp_path}/ours.tar"
    copy(f"{image_layout}:busybox", TRANSPORTS["docker-archive"], f"{ours}:busybox:tag")
    assert "docker.io/library/busybox:tag" in podman("load", "-i", ours)
    podman("tag", "busybox:tag", "localhost/second:1")
    theirs = f"{tmp_path}/theirs.tar"
    podman("save", "-m", "-o", theirs, "busybox:tag", "localhost/second:1")
    transport = TRANSPORTS["docker-archive"]
    names = transport.tags(transport.parse(theirs), SETTINGS)
    assert set(names) == {"docker.io/library/busybox:tag", "localhost/second:1"}
    expected = diff_ids(TRANSPORTS["oci"], f"{image_layout}:busybox")
    assert diff_ids(transport, f"{theirs}:localhost/second:1") == expected
    podman("save", "--format", "oci-archive", "-o", f"{tmp_path}/oci.tar", "busybox:tag")
    assert diff_ids(TRANSPORTS["oci-archive"], f"{tmp_path}/oci.tar") == expected


def test_several_images_in_one_archive(image_layout: Path, tmp_path: Path) -> None:
    """`another`: all appear together; an image under two names is there once."""
    transport = TRANSPORTS["docker-archive"]
    path = f"{tmp_path}/several.tar"
    config = json.dumps({"os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    other = config + b"\n"
    with transport.destination(transport.parse(f"{path}:a:1"), SETTINGS) as first:
        outs = [first, *(first.another(transport.parse(f"{path}:{n}")) for n in ("b:2", "c:3"))]
        for out, data in zip(outs, (config, config, other), strict=True):
            assert not Path(path).exists()
            found = out.put_blob(Descriptor("", media_type=CONFIG), io.BytesIO(data))
            manifest = {
                "config": {"digest": found.digest, "size": found.size, "mediaType": CONFIG},
                "layers": [],
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "schemaVersion": 2,
            }
            out.put_manifest(ManifestBytes(json.dumps(manifest).encode(), manifest["mediaType"]))
            out.commit()
    listed = json.loads(skopeo("list-tags", f"docker-archive:{path}"))["Tags"]
    assert listed == [f"docker.io/library/{name}" for name in ("a:1", "b:2", "c:3")]
    assert len(json.loads(run("tar", "xOf", path, "manifest.json"))) == 2


CONFIG = "application/vnd.docker.container.image.v1+json"
