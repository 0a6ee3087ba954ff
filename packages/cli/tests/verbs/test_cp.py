"""`rundlet cp`: both ways, stopped and running, streams; the table runs on podman's rules."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.peers import Podman
from devtools.tool import Rundlet

if TYPE_CHECKING:
    Tool = Rundlet | Podman


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A tree: file, link (to file), dir/sub/deep."""
    source = tmp_path / "files"
    (source / "dir/sub").mkdir(parents=True)
    (source / "file").write_text("content")
    (source / "dir/sub/deep").write_text("deep")
    (source / "link").symlink_to("file")
    return source


@pytest.fixture(params=["created", "running"])
def rundlet_with_c(
    rundlet: Rundlet, busybox_archive: Path, request: pytest.FixtureRequest
) -> Rundlet:
    rundlet("load", "-q", "-i", str(busybox_archive))
    words = ["--network", "none", "--name", "c", "busybox", "sleep", "600"]
    if request.param == "created":
        rundlet("create", *words)
    else:
        rundlet("run", "-d", *words)
    return rundlet


def _tree(tool: Tool, path: str) -> dict[str, bytes | str]:
    """What `cp c:PATH -` writes: kind or content by name."""
    command = ["rundlet"] if isinstance(tool, Rundlet) else list(tool.command)
    environment = tool.environment if isinstance(tool, Rundlet) else dict(os.environ)
    done = subprocess.run(
        [*command, "cp", f"c:{path}", "-"], env=environment, capture_output=True, check=True
    )
    found: dict[str, bytes | str] = {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            kind = "dir" if member.isdir() else f"-> {member.linkname}"
            found[member.name.rstrip("/")] = file.read() if file else kind
    return found


INTO = [
    ("file", "/tmp", "/tmp/file", {"file": b"content"}),
    ("file", "/tmp/", "/tmp/file", {"file": b"content"}),
    ("file", "/tmp/new", "/tmp/new", {"new": b"content"}),
    ("link", "/tmp/new", "/tmp/new", {"new": b"content"}),
    ("dir", "/tmp", "/tmp/dir", {"dir": "dir", "dir/sub": "dir", "dir/sub/deep": b"deep"}),
    ("dir", "/new", "/new", {"new": "dir", "new/sub": "dir", "new/sub/deep": b"deep"}),
    ("dir/", "/new", "/new", {"new": "dir", "new/sub": "dir", "new/sub/deep": b"deep"}),
    ("dir/.", "/tmp", "/tmp/sub", {"sub": "dir", "sub/deep": b"deep"}),
    ("dir/.", "/new", "/new", {"new": "dir", "new/sub": "dir", "new/sub/deep": b"deep"}),
]


@pytest.mark.parametrize(("source", "target", "where", "expected"), INTO)
def test_into_a_container(
    rundlet_with_c: Rundlet,
    files: Path,
    source: str,
    target: str,
    where: str,
    expected: dict[str, bytes | str],
) -> None:
    rundlet_with_c("cp", f"{files}/{source}", f"c:{target}")
    assert _tree(rundlet_with_c, where) == expected


def test_out_of_a_container(rundlet_with_c: Rundlet, files: Path, tmp_path: Path) -> None:
    tool = rundlet_with_c
    tool("cp", str(files), "c:/data")
    tool("cp", "c:/data", str(tmp_path / "new"))
    assert (tmp_path / "new/dir/sub/deep").read_text() == "deep"
    assert (tmp_path / "new/link").readlink() == Path("file")
    tool("cp", "c:/data/link", str(tmp_path / "followed"))
    assert (tmp_path / "followed").read_text() == "content"
    assert not (tmp_path / "followed").is_symlink()
    tool("cp", "c:data/file", f"{tmp_path}/new")  # relative to the working directory, /
    assert (tmp_path / "new/file").read_text() == "content"


def test_between_containers_and_by_tar(rundlet_with_c: Rundlet, files: Path) -> None:
    tool = rundlet_with_c
    tool("create", "--network", "none", "--name", "other", "busybox")
    tool("cp", str(files / "dir"), "c:/dir")
    tool("cp", "c:/dir", "other:/got")
    tool("cp", "other:/got", "c:/back")
    assert _tree(tool, "/back")["back/sub/deep"] == b"deep"
    data = subprocess.run(
        ["tar", "-cz", "-C", files, "file", "link"], capture_output=True, check=True
    ).stdout
    subprocess.run(["rundlet", "cp", "-", "c:/tmp"], env=tool.environment, input=data, check=True)
    assert _tree(tool, "/tmp")["tmp/link"] == "-> file"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{}/nosuch", "c:/tmp"], '"{}/nosuch" could not be found on the host'),
        (["c:/nosuch", "{}"], '"/nosuch" could not be found on container'),
        (["{}/file", "c:/no/such"], '"/no/such" could not be found on container'),
        (["{}/file", "c:/new/"], "no such file or directory"),
        (["{}/dir", "c:/etc/passwd"], "destination must be a directory when copying a directory"),
        (["{}/file", "nosuch:/tmp"], "no container with name or ID"),
        (["{}/file", "{}/other"], "one of the two paths must be in a container"),
        (["-", "-"], "- cannot be both"),
    ],
)
def test_what_cannot_be_copied(
    rundlet_with_c: Rundlet, files: Path, words: list[str], said: str
) -> None:
    done = rundlet_with_c("cp", *(word.format(files) for word in words), check=False)
    assert done.returncode == 125
    assert said.format(files) in done.stderr
    assert "Traceback" not in done.stderr


def test_kinds_are_kept_unless_overwritten(rundlet_with_c: Rundlet, files: Path) -> None:
    tool = rundlet_with_c
    tool("cp", str(files / "dir"), "c:/tmp/file")  # a directory where a file is to come
    tool("cp", str(files / "file"), "c:/tmp/sub")
    into = tool("cp", f"{files}/.", "c:/tmp", check=False)
    assert into.returncode == 125
    assert "is a directory, and would be replaced" in into.stderr
    assert _tree(tool, "/tmp/file")["file/sub/deep"] == b"deep"
    tool("cp", "--overwrite", f"{files}/.", "c:/tmp")
    assert _tree(tool, "/tmp/file") == {"file": b"content"}


def test_owners(rundlet_with_c: Rundlet, files: Path, tmp_path: Path) -> None:
    tool = rundlet_with_c
    tool("create", "--network", "none", "--user", "1234:5678", "--name", "user", "busybox")
    os.chown(files / "file", 77, 88)
    tool("cp", str(files / "file"), "user:/theirs")
    tool("cp", "-a=false", str(files / "file"), "user:/kept")
    tool("cp", "-a=false", "user:/theirs", str(tmp_path / "theirs"))
    tool("cp", "-a=false", "user:/kept", str(tmp_path / "kept"))
    conf = tmp_path / "containers.conf"
    conf.write_text("[engine]\nchown_copied_files = false\n")
    tool.environment["CONTAINERS_CONF"] = str(conf)
    tool("cp", "user:/kept", str(tmp_path / "mine"))
    tool("cp", str(files / "file"), "user:/left")
    tool("cp", "-a=false", "user:/left", str(tmp_path / "left"))
    owners = [(tmp_path / name).stat() for name in ("theirs", "kept", "mine", "left")]
    assert [(it.st_uid, it.st_gid) for it in owners] == [
        (1234, 5678), (77, 88), (os.getuid(), os.getgid()), (77, 88),
    ]  # fmt: skip


def test_links_do_not_lead_out(rundlet_with_c: Rundlet, files: Path, tmp_path: Path) -> None:
    """A link to /etc in the container means its own, and never the host's."""
    tool = rundlet_with_c
    (files / "way").symlink_to(tmp_path)
    tool("cp", str(files), "c:/data")
    done = tool("cp", str(files / "file"), "c:/data/way/file", check=False)
    assert done.returncode == 125
    assert not (tmp_path / "file").exists()
    assert tool("cp", "c:/data/way/files/file", str(tmp_path / "x"), check=False).returncode == 125


def test_volumes_of_a_stopped_container(
    rundlet: Rundlet, busybox_archive: Path, files: Path, tmp_path: Path
) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    bound = tmp_path / "bound"
    bound.mkdir()
    rundlet(
        *("create", "--network", "none", "--name", "c", "-v", f"{bound}:/bound"),
        *("-v", "named:/named", "busybox", "cat", "/named/file"),
    )
    rundlet("cp", str(files / "file"), "c:/bound/here")
    assert (bound / "here").read_text() == "content"
    rundlet("cp", str(files / "file"), "c:/named/")
    assert rundlet("start", "-a", "c").stdout == "content"
    rundlet("cp", str(files), "c:/named/")
    part = "type=volume,src=named,dst=/part,subpath=files"
    rundlet("create", "--network", "none", "--name", "d", "--mount", part, "busybox", "ls", "/part")
    rundlet("cp", str(files / "file"), "d:/part/new")
    assert "new" in rundlet("start", "-a", "d").stdout


def test_mounts_of_a_stopped_container(loaded: Rundlet, files: Path, tmp_path: Path) -> None:
    """A tmpfs begins as a copy of what is below it, which is copied to (podman); an image is
    mounted for the copy, as is a volume's own file system, which is not lost with that.
    """
    loaded("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "quick")
    loaded(
        *("create", "--network", "none", "--name", "c", "--tmpfs", "/tmp", "-v", "quick:/quick"),
        *("--tmpfs", "/new:notmpcopyup", "--mount", "type=image,src=busybox,dst=/image"),
        *("busybox", "cat", "/tmp/file"),
    )
    loaded("cp", str(files / "file"), "c:/tmp")
    loaded("cp", "c:/image/etc/passwd", str(tmp_path / "passwd"))
    assert (tmp_path / "passwd").read_text().startswith("root:")
    assert loaded("cp", str(files / "file"), "c:/image", check=False).returncode == 125
    assert loaded("cp", str(files / "file"), "c:/new", check=False).returncode == 125
    assert loaded.mounts() == []
    loaded("volume", "mount", "quick")
    loaded("cp", str(files / "file"), "c:/quick")
    loaded("cp", "c:/quick/file", str(tmp_path / "quick"))
    loaded("volume", "unmount", "quick")
    assert loaded("start", "-a", "c").stdout == "content"


def test_streams_are_no_files(loaded: Rundlet, tmp_path: Path) -> None:
    loaded("create", "--name", "c", "busybox")
    os.mkfifo(tmp_path / "fifo")
    for target in ("/dev/stdout", "/dev/null", str(tmp_path / "fifo")):
        done = loaded("cp", "c:/bin/busybox", target, check=False)
        assert f'invalid destination: "{target}" must be a directory or a regular' in done.stderr
    for source, sent, said in (("/dev/stdin", b"x", "is a pipe"), ("-", b"", "(compressed) tar"),
                               ("-", b"text", "(compressed) tar")):  # fmt: skip
        command = ["rundlet", "cp", source, "c:/tmp"]
        result = subprocess.run(command, input=sent, env=loaded.environment, capture_output=True)
        assert (result.returncode, said in result.stderr.decode()) == (125, True)


@pytest.fixture
def podman_with_c(podman: Podman, busybox_archive: Path) -> Iterator[Podman]:
    podman("load", "-q", "-i", str(busybox_archive))
    podman("create", "--name", "c", "localhost/busybox", "sleep", "600")
    yield podman


def test_podman_has_the_same_rules(podman_with_c: Podman, files: Path) -> None:
    """The table above is no invention. (Names of links differ: podman keeps the link's.)"""
    for source, target, where, expected in INTO:
        podman_with_c("rm", "-f", "c")
        podman_with_c("create", "--name", "c", "localhost/busybox")
        podman_with_c("cp", f"{files}/{source}", f"c:{target}")
        assert _tree(podman_with_c, where) == expected, (source, target)
