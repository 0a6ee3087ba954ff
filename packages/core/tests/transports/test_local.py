"""containers-storage:, docker-daemon: and tarball: where they are wrong, absent or special."""

from __future__ import annotations

import io
import json
import lzma
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.docker_daemon import Daemon
from rundlet.core import Engine
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import (
    Corrupt,
    DigestMismatch,
    InvalidArgument,
    NoSuchImage,
    NotSupported,
    RegistryError,
)
from rundlet.core.images.manifest import descriptor
from rundlet.core.settings.snapshot import Settings
from rundlet.core.testing.transport import DOCKER_MANIFEST, SampleImage, read_all, tar
from rundlet.core.transports.containers_storage import ContainersStorageTransport
from rundlet.core.transports.docker_daemon import DockerDaemonTransport
from rundlet.core.transports.oci_archive import OciArchiveTransport
from rundlet.core.transports.tarball import TarOutput
from rundlet.core.transports.tarballs import TarballTransport

STORE = ContainersStorageTransport()
DOCKER = DockerDaemonTransport()
TARBALL = TarballTransport()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    settings = Settings(graph_root=f"{tmp_path}/graph", run_root=f"{tmp_path}/run")
    with Engine(settings) as made:
        yield made


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """An image in an archive, as `pull` takes it."""
    image, transport = SampleImage([b"one", b"two"]), OciArchiveTransport()
    place = f"{tmp_path}/image.tar:example.com/tool:1"
    with transport.destination(transport.parse(place), TransportSettings()) as out:
        for each in image.descriptors():
            out.put_blob(each, io.BytesIO(image.blobs[each.digest]))
        out.put_manifest(image.manifest)
        out.commit()
    return f"oci-archive:{place}"


# --- containers-storage


@pytest.mark.parametrize(
    "text", ["", "[", "[]x", "[/root", "[root]x", "[/a+b]x", "[o@/a:opt]x", "@", "@xyz", "UPPER"]
)
def test_bad_store_references(text: str) -> None:
    with pytest.raises(InvalidArgument):
        STORE.parse(text)


def test_by_name_and_by_id(engine: Engine, archive: str) -> None:
    image = engine.images.pull(archive)
    settings = TransportSettings(options={"engine": engine})
    for text in ("tool:1", "example.com/tool:1", f"@{image.id}", f"@{image.id[:12]}"):
        if text == "tool:1":
            engine.images.tag("example.com/tool:1", "tool:1")
        with STORE.source(STORE.parse(text), settings) as source:
            assert json.loads(source.manifest().data)["config"]["digest"][7:] == image.id
    with pytest.raises(InvalidArgument, match="give a name"):
        STORE.destination(STORE.parse(f"@{image.id}"), settings)


def test_from_one_store_to_another(engine: Engine, archive: str, tmp_path: Path) -> None:
    """`push` writes another store, `pull` reads it, and the image is the same."""
    image = engine.images.pull(archive)
    other = f"containers-storage:[vfs@{tmp_path}/other+{tmp_path}/otherrun]example.com/there:2"
    engine.images.push(image.id, other)
    engine.images.remove(image.id)
    assert engine.images.pull(other).id == image.id
    assert engine.images.get(image.id).names == ("example.com/there:2",)


def test_onto_itself(engine: Engine, archive: str) -> None:
    image = engine.images.pull(archive)
    engine.images.push(image.id, "containers-storage:example.com/again:3")
    assert engine.images.get("example.com/again:3").id == image.id


def test_another_digest_than_the_reference_says(engine: Engine, archive: str) -> None:
    image = engine.images.pull(archive)
    wrong = "sha256:" + "1" * 64
    with pytest.raises(DigestMismatch):
        engine.images.push(image.id, f"containers-storage:example.com/x@{wrong}")


def test_removed_by_its_reference(engine: Engine, archive: str) -> None:
    engine.images.pull(archive)
    settings = TransportSettings(options={"engine": engine})
    STORE.delete(STORE.parse("example.com/tool:1"), settings)
    assert not engine.images.list()
    with pytest.raises(NoSuchImage):
        STORE.delete(STORE.parse("example.com/tool:1"), settings)


# --- docker-daemon


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    with Daemon(tmp_path / "docker.sock") as running:
        monkeypatch.setenv("DOCKER_HOST", running.host)
        yield running


@pytest.mark.parametrize("text", ["", "name", "example.com/name", "UPPER:1", "sha256:12"])
def test_bad_daemon_references(text: str) -> None:
    if text == "sha256:12":  # a name and a tag, for who has such names
        assert DOCKER.parse(text).path == "docker.io/library/sha256:12"
        return
    with pytest.raises(InvalidArgument):
        DOCKER.parse(text)


def test_there_and_back(engine: Engine, archive: str, daemon: Daemon) -> None:
    image = engine.images.pull(archive)
    engine.images.push(image.id, "docker-daemon:tool:1")
    assert sorted(daemon.images) == [f"sha256:{image.id}", "tool:1"]
    engine.images.remove(image.id)
    back = engine.images.pull("docker-daemon:tool:1")
    assert back.id == image.id
    assert back.names == ("docker.io/library/tool:1",)
    engine.images.remove(image.id)
    assert engine.images.pull(f"docker-daemon:sha256:{image.id}").id == image.id


def test_a_daemon_that_refuses(engine: Engine, archive: str, daemon: Daemon) -> None:
    """It says so with status 200."""
    image = engine.images.pull(archive)
    daemon.refuse = "no space left on device"
    with pytest.raises(RegistryError, match="refused the image: no space left on device"):
        engine.images.push(image.id, "docker-daemon:tool:1")


def test_a_daemon_that_breaks_off(daemon: Daemon) -> None:
    image = SampleImage([b"one"], DOCKER_MANIFEST)
    with DOCKER.destination(DOCKER.parse("tool:1"), TransportSettings()) as out:
        for each in image.descriptors():
            out.put_blob(each, io.BytesIO(image.blobs[each.digest]))
        out.put_manifest(image.manifest)
        out.commit()
    daemon.cut = 5000
    with pytest.raises((Corrupt, RegistryError)):
        DOCKER.source(DOCKER.parse("tool:1"), TransportSettings())


def test_no_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(RegistryError, match="No such file") as caught:
        DOCKER.source(DOCKER.parse("tool:1"), TransportSettings())
    assert "DOCKER_HOST" in caught.value.remedy
    monkeypatch.setenv("DOCKER_HOST", "ssh://somewhere")
    with pytest.raises(InvalidArgument, match="ssh://somewhere"):
        DOCKER.source(DOCKER.parse("tool:1"), TransportSettings())


def test_an_image_that_the_daemon_lacks(daemon: Daemon) -> None:
    with pytest.raises(NoSuchImage, match="nothing:1"):
        DOCKER.source(DOCKER.parse("nothing:1"), TransportSettings())


def test_nothing_is_left_in_the_temporary_directory(
    engine: Engine, archive: str, daemon: Daemon
) -> None:
    image = engine.images.pull(archive)
    engine.images.push(image.id, "docker-daemon:tool:1")
    engine.images.pull("docker-daemon:tool:1")
    assert os.listdir(engine.blobs.temporary) == []


# --- tarball


@pytest.mark.parametrize("text", ["", ":", "a::b", "-:-", "a\0b"])
def test_bad_tarball_references(text: str) -> None:
    with pytest.raises(InvalidArgument):
        TARBALL.parse(text)


def test_tarballs_are_only_read(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="cannot be written"):
        TARBALL.destination(TARBALL.parse(f"{tmp_path}/x.tar"), TransportSettings())


def test_a_format_that_images_do_not_have_is_unpacked(tmp_path: Path) -> None:
    plain = tar("file", b"content" * 1000)
    (tmp_path / "x.tar.xz").write_bytes(lzma.compress(plain))
    with TARBALL.source(TARBALL.parse(f"{tmp_path}/x.tar.xz"), TransportSettings()) as source:
        (layer,) = json.loads(source.manifest().data)["layers"]
        assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar"
        assert read_all(source.blob(descriptor(layer))) == plain


def test_standard_input(tmp_path: Path) -> None:
    script = (
        "from rundlet.core import Engine\n"
        "from rundlet.core.settings.snapshot import Settings\n"
        f"places = Settings(graph_root='{tmp_path}/graph', run_root='{tmp_path}/run')\n"
        "with Engine(places) as engine: print(engine.images.pull('tarball:-').id)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        input=tar("file", b"content"),
        capture_output=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert len(said.stdout.strip()) == 64


@pytest.mark.parametrize("content", [b"", b"not a tar at all" * 100, lzma.compress(b"x")[:20]])
def test_what_is_no_tarball(engine: Engine, tmp_path: Path, content: bytes) -> None:
    """An empty file is an empty layer, as for tar(1); the others are refused."""
    (tmp_path / "x.tar").write_bytes(content)
    if not content:
        assert engine.images.pull(f"tarball:{tmp_path}/x.tar")
        return
    with pytest.raises(Corrupt):
        engine.images.pull(f"tarball:{tmp_path}/x.tar")
    assert not engine.images.list()


def test_the_disk_begins_before_a_large_archive_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    monkeypatch.setattr("rundlet.core.linux.syscalls.syncfs", lambda descriptor: begun.set())
    output = TarOutput(str(tmp_path / "x.tar"))
    output.add(io.BytesIO(bytes(31 << 20)), lambda: "small")
    assert not begun.is_set()
    output.add(io.BytesIO(bytes(2 << 20)), lambda: "more")
    assert begun.wait(30)
    output.close()


def test_a_directory_is_no_tarball(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        TARBALL.source(TARBALL.parse(str(tmp_path)), TransportSettings())
