"""Archives and layouts that lie, are damaged, or ask for files outside."""

import fcntl
import io
import json
import os
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.contracts.transport import ImageTransport, ManifestBytes, TransportSettings
from rundlet.core.errors import (
    AlreadyExists,
    Corrupt,
    InvalidArgument,
    NoSuchImage,
    NotFound,
    RundletError,
)
from rundlet.core.images.copy import CopyOptions, copy
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.testing.transport import OCI_MANIFEST, SampleImage, described, read_all
from rundlet.core.transports import layout
from rundlet.core.transports.directory import DirectoryTransport
from rundlet.core.transports.docker_archive import DockerArchiveTransport
from rundlet.core.transports.oci import OciTransport
from rundlet.core.transports.oci_archive import OciArchiveTransport

SETTINGS = TransportSettings()
IMAGE = SampleImage([b"layer one", b"layer two"])


def write(transport: ImageTransport, text: str, image: SampleImage = IMAGE) -> None:
    with transport.destination(transport.parse(text), SETTINGS) as out:
        for descriptor in image.descriptors():
            out.put_blob(descriptor, io.BytesIO(image.blobs[descriptor.digest]))
        out.put_manifest(image.manifest)
        out.commit()


def read(transport: ImageTransport, text: str) -> ManifestBytes:
    with transport.source(transport.parse(text), SETTINGS) as source:
        return source.manifest()


def pack(path: Path, files: dict[str, Any], links: dict[str, str] | None = None) -> str:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return str(path)


# --- references


@pytest.mark.parametrize(
    ("text", "path", "reference"),
    [
        ("/a/b", "/a/b", ""),
        ("/a:tag", "/a", "tag"),
        ("/a:docker.io/library/b:1", "/a", "docker.io/library/b:1"),
        (f"/a@sha256:{'0' * 64}", "/a", f"@sha256:{'0' * 64}"),
        (f"/a:@sha256:{'0' * 64}", "/a", f"@sha256:{'0' * 64}"),
        ("/a:@3", "/a", "@3"),
    ],
)
def test_split(text: str, path: str, reference: str) -> None:
    assert layout.split(text) == (path, reference)
    location = OciTransport().parse(text)
    assert OciTransport().parse(location.path) == location


@pytest.mark.parametrize("text", ["", ":tag", "/a:-x", "/a:x y", "/a:@x", "/a:\n", "/a:é"])
def test_bad_references(text: str) -> None:
    for transport in (OciTransport(), OciArchiveTransport(), DockerArchiveTransport()):
        with pytest.raises(InvalidArgument):
            transport.parse(text)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("me/app:1", "docker.io/me/app:1"),
        ("localhost/x", "localhost/x:latest"),
        ("host:5000/x", "host:5000/x:latest"),
        ("quay.io/a/b:2", "quay.io/a/b:2"),
        ("docker.io/busybox", "docker.io/library/busybox:latest"),
    ],
)
def test_docker_archive_names(name: str, full: str) -> None:
    location = DockerArchiveTransport().parse(f"/a.tar:{name}")
    assert (location.path, location.name) == (f"/a.tar:{full}", full)


# --- layouts


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"{",
        b"[]",
        b'{"manifests": 3}',
        b'{"manifests": [{}]}',
        b'{"manifests": [{"digest": "sha256:../../../../etc/passwd", "size": 3}]}',
        b'{"manifests": [{"digest": "sha256:' + b"0" * 64 + b'", "size": -3}]}',
        b"[" * 100_000,
    ],
)
def test_damaged_index(tmp_path: Path, index: bytes) -> None:
    write(OciTransport(), f"{tmp_path}/layout:tag")
    whole = (tmp_path / "layout/index.json").read_bytes()
    (tmp_path / "layout/index.json").write_bytes(index)
    with pytest.raises(Corrupt):
        read(OciTransport(), f"{tmp_path}/layout:tag")
    with pytest.raises(Corrupt):  # and what was there is not thrown away
        write(OciTransport(), f"{tmp_path}/layout:other")
    assert (tmp_path / "layout/index.json").read_bytes() == index != whole


def test_index_cut_off_anywhere(tmp_path: Path) -> None:
    write(OciTransport(), f"{tmp_path}/layout:tag")
    file = tmp_path / "layout/index.json"
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        with pytest.raises(Corrupt):
            read(OciTransport(), f"{tmp_path}/layout:tag")


def test_lying_manifest(tmp_path: Path) -> None:
    write(OciTransport(), f"{tmp_path}/layout:tag")
    index = json.loads((tmp_path / "layout/index.json").read_bytes())
    digest = index["manifests"][0]["digest"].partition(":")[2]
    blob = tmp_path / "layout/blobs/sha256" / digest
    blob.write_bytes(blob.read_bytes()[:-1] + b" ")
    with pytest.raises(Corrupt):
        read(OciTransport(), f"{tmp_path}/layout:tag")
    blob.unlink()
    with pytest.raises(NotFound):
        read(OciTransport(), f"{tmp_path}/layout:tag")


def test_which_image(tmp_path: Path) -> None:
    write(OciTransport(), f"{tmp_path}/layout:a")
    assert read(OciTransport(), f"{tmp_path}/layout") == IMAGE.manifest
    other = SampleImage([b"other"])
    write(OciTransport(), f"{tmp_path}/layout:b", other)
    with pytest.raises(InvalidArgument, match="2 images"):
        read(OciTransport(), f"{tmp_path}/layout")
    assert read(OciTransport(), f"{tmp_path}/layout:b") == other.manifest
    digest = described(other.manifest.data, OCI_MANIFEST).digest
    assert read(OciTransport(), f"{tmp_path}/layout@{digest}") == other.manifest
    assert read(OciTransport(), f"{tmp_path}/layout:@1") == other.manifest
    with pytest.raises(NoSuchImage):
        read(OciTransport(), f"{tmp_path}/layout:@2")
    location = OciTransport().parse(f"{tmp_path}/layout")
    assert OciTransport().tags(location, SETTINGS) == ["a", "b"]


def test_delete_keeps_what_others_need(tmp_path: Path) -> None:
    other = SampleImage([b"layer one", b"only here"])
    write(OciTransport(), f"{tmp_path}/layout:a")
    write(OciTransport(), f"{tmp_path}/layout:b", other)
    write(OciTransport(), f"{tmp_path}/layout:c", other)
    transport = OciTransport()
    transport.delete(transport.parse(f"{tmp_path}/layout:b"), SETTINGS)
    assert read(transport, f"{tmp_path}/layout:c") == other.manifest
    transport.delete(transport.parse(f"{tmp_path}/layout:c"), SETTINGS)
    left = {f"sha256:{file.name}" for file in (tmp_path / "layout/blobs/sha256").iterdir()}
    manifest = described(IMAGE.manifest.data, OCI_MANIFEST).digest
    assert left == {*IMAGE.blobs, manifest}
    with pytest.raises(NoSuchImage):
        transport.delete(transport.parse(f"{tmp_path}/layout:c"), SETTINGS)


def test_many_writers(tmp_path: Path) -> None:
    """Eight writers into one layout: every image is in the index afterwards."""
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                image = SampleImage([b"shared", f"{number}-{turn}".encode()])
                write(OciTransport(), f"{tmp_path}/layout:n{number}-{turn}", image)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    index = json.loads((tmp_path / "layout/index.json").read_bytes())
    assert len(index["manifests"]) == 40
    assert sorted(os.listdir(tmp_path / "layout")) == ["blobs", "index.json", "oci-layout"]


def test_writer_waits_for_the_lock(tmp_path: Path) -> None:
    write(OciTransport(), f"{tmp_path}/layout:a")
    held = os.open(tmp_path / "layout", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    thread = threading.Thread(target=write, args=(OciTransport(), f"{tmp_path}/layout:b"))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    os.close(held)
    thread.join(60)
    assert read(OciTransport(), f"{tmp_path}/layout:b") == IMAGE.manifest


# --- archives


def test_archive_links_stay_inside(tmp_path: Path) -> None:
    """A layer "file" that is a link to a file of this machine is not followed there."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    config = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": [described(b"", "").digest]}}
    manifest = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["l.tar"]}]
    for target in (str(secret), f"../../../../../../../{secret}", "l.tar", "loop"):
        path = pack(
            tmp_path / "a.tar",
            {"manifest.json": manifest, "c.json": config},
            {"l.tar": target, "loop": "l.tar"},
        )
        with pytest.raises(Corrupt, match="missing"):
            read(DockerArchiveTransport(), path)


def test_archive_links_within(tmp_path: Path) -> None:
    """docker save writes a repeated layer as a link to the first."""
    layer = described(b"data", "")
    config = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer.digest]}}
    path = pack(
        tmp_path / "a.tar",
        {
            "manifest.json": [{"Config": "c.json", "RepoTags": None, "Layers": ["b/layer.tar"]}],
            "c.json": config,
            "a/layer.tar": b"data",
        },
        {"b/layer.tar": "../a/layer.tar"},
    )
    transport = DockerArchiveTransport()
    assert transport.tags(transport.parse(path), SETTINGS) == ["@0"]
    with transport.source(transport.parse(f"{path}:@0"), SETTINGS) as source:
        assert read_all(source.blob(layer)) == b"data"


def test_compressed_archive_and_layers(tmp_path: Path) -> None:
    import gzip

    plain = b"content of a layer" * 1000
    layer = described(plain, "")
    config = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer.digest]}}
    manifest = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["l"]}]
    path = pack(
        tmp_path / "a.tar",
        {"manifest.json": manifest, "c.json": config, "l": gzip.compress(plain)},
    )
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(gzip.compress(Path(path).read_bytes()))
    for name in (path, str(packed)):
        transport = DockerArchiveTransport()
        settings = TransportSettings(temporary=tmp_path)
        with transport.source(transport.parse(f"{name}:x:1"), settings) as source:
            document = json.loads(source.manifest().data)
            assert document["layers"][0]["size"] == len(plain)
            assert read_all(source.blob(layer)) == plain
            assert read_all(source.blob(layer, 5)) == plain[5:]
    assert sorted(os.listdir(tmp_path)) == ["a.tar", "a.tar.gz"]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"manifest.json": b"{"},
        {"manifest.json": [{"Config": "c.json"}]},
        {"manifest.json": [3]},
        {"manifest.json": [{"Config": "missing", "Layers": []}]},
        {"manifest.json": [{"Config": "c.json", "Layers": []}], "c.json": b"{"},
        {"manifest.json": [{"Config": "c.json", "Layers": []}], "c.json": {"rootfs": 1}},
        {
            "manifest.json": [{"Config": "c.json", "Layers": ["x"]}],
            "c.json": {"rootfs": {"diff_ids": []}},
        },
        {
            "manifest.json": [{"Config": "c.json", "Layers": ["x"]}],
            "c.json": {"rootfs": {"diff_ids": ["sha256:../../etc"]}},
        },
        {"manifest.json": b" " * 5_000_000},
    ],
)
def test_damaged_docker_archive(tmp_path: Path, files: dict[str, Any]) -> None:
    with pytest.raises(Corrupt):
        read(DockerArchiveTransport(), pack(tmp_path / "a.tar", files))


@pytest.mark.parametrize("transport", [DockerArchiveTransport(), OciArchiveTransport()])
def test_cut_off_archive(tmp_path: Path, transport: ImageTransport) -> None:
    """Cut off anywhere: a typed error at the latest when the layer is read."""
    path = tmp_path / "a.tar"
    image = SampleImage([os.urandom(3000)], OCI_MANIFEST)
    write(transport, f"{path}:x:1", image)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2048, 511):
        path.write_bytes(whole[:length])
        with pytest.raises(RundletError):
            read(transport, f"{path}:x:1")


def test_no_archive_at_all(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(os.urandom(5000))
    for transport in (DockerArchiveTransport(), OciArchiveTransport()):
        with pytest.raises(Corrupt, match="noise: "):
            read(transport, f"{tmp_path}/noise")
        with pytest.raises(NoSuchImage):
            read(transport, f"{tmp_path}/nothing")
        with pytest.raises(InvalidArgument):
            read(transport, f"{tmp_path}")


def test_archive_to_a_pipe(tmp_path: Path) -> None:
    """`save | load`: a fifo gets the archive, and one is read."""
    os.mkfifo(tmp_path / "pipe")
    place = f"{tmp_path}/pipe:x:1"
    thread = threading.Thread(target=write, args=(OciArchiveTransport(), place))
    thread.start()
    assert read(OciArchiveTransport(), place) == IMAGE.manifest
    thread.join(60)
    assert os.listdir(tmp_path) == ["pipe"]


def test_manifest_needs_its_blobs(tmp_path: Path) -> None:
    transport = DockerArchiveTransport()
    with (
        transport.destination(transport.parse(f"{tmp_path}/a.tar"), SETTINGS) as out,
        pytest.raises(InvalidArgument, match="not written"),
    ):
        out.put_manifest(IMAGE.manifest)
    assert os.listdir(tmp_path) == []


# --- dir


def test_directory_of_others_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/thesis").write_text("five years")
    with pytest.raises(AlreadyExists):
        write(DirectoryTransport(), f"{tmp_path}/home")
    assert (tmp_path / "home/thesis").read_text() == "five years"
    assert os.listdir(tmp_path) == ["home"]


def test_directory_is_replaced_whole(tmp_path: Path) -> None:
    write(DirectoryTransport(), f"{tmp_path}/d")
    other = SampleImage([b"other"])
    write(DirectoryTransport(), f"{tmp_path}/d", other)
    assert len(os.listdir(tmp_path / "d")) == 4
    assert os.listdir(tmp_path) == ["d"]


def test_directory_instances(tmp_path: Path) -> None:
    digest = described(IMAGE.manifest.data, OCI_MANIFEST).digest
    transport = DirectoryTransport()
    index = ManifestBytes(json.dumps(layout.new_index()).encode(), layout.INDEX)
    with transport.destination(transport.parse(f"{tmp_path}/d"), SETTINGS) as out:
        out.put_manifest(IMAGE.manifest, digest)
        with pytest.raises(InvalidArgument, match="without a manifest"):
            out.commit()
        out.put_manifest(index)
        out.commit()
    with transport.source(transport.parse(f"{tmp_path}/d"), SETTINGS) as source:
        assert source.manifest() == index
        assert source.manifest(digest) == IMAGE.manifest
        with pytest.raises(InvalidArgument):
            source.blob(Descriptor("sha256:../../../etc/passwd"))


DAMAGED: list[tuple[Any, str]] = [
    (b"xx", "{file} is not JSON"),
    (5, "{file} is not a JSON object"),
    ({"manifests": {}}, "has no list 'manifests'"),
    ({"manifests": [5]}, "5 is not an object|manifests.0.: is not an object"),
    ({"manifests": [{"size": 3}]}, "digest None"),
    ({"manifests": [{"size": "x", "digest": "y"}]}, "size 'x'"),
]


@pytest.mark.parametrize(("content", "words"), DAMAGED)
@pytest.mark.parametrize(
    ("transport", "file"), [(OciTransport(), "index.json"), (DirectoryTransport(), "manifest.json")]
)
def test_a_damaged_document_is_named_in_words(
    tmp_path: Path, transport: ImageTransport, file: str, content: Any, words: str
) -> None:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (tmp_path / file).write_bytes(data)
    with pytest.raises(Corrupt, match=words.format(file=file)) as caught:
        copied(transport, tmp_path)
    assert str(tmp_path) in str(caught.value)


def copied(transport: ImageTransport, path: Path) -> None:
    other = OciTransport()
    with (
        transport.source(transport.parse(str(path)), SETTINGS) as source,
        other.destination(other.parse(f"{path}/copy"), SETTINGS) as out,
    ):
        copy(source, out, CopyOptions())


@pytest.mark.parametrize("content", [b"xx", 5, [5], [{"Config": "x"}]])
def test_a_damaged_archive_is_named_in_words(tmp_path: Path, content: Any) -> None:
    path = pack(tmp_path / "a.tar", {"manifest.json": content})
    with pytest.raises(Corrupt, match=r"is not JSON|not a list of objects with Config") as caught:
        read(DockerArchiveTransport(), path)
    assert path in str(caught.value)
