"""Where contexts come from, by real servers and a real git."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.fixtures import needs
from devtools.served import served
from rundlet.build.context import fetching, locations
from rundlet.build.context.resolve import containerfile_in, resolve
from rundlet.core import Engine
from rundlet.core.content.scratch import scratch
from rundlet.core.errors import DigestMismatch, InvalidArgument, NotFound, RundletError


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory that is served on loopback, and its URL."""
    directory = tmp_path / "site"
    directory.mkdir()
    with served(directory) as url:
        yield directory, url


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "scratch"
    path.mkdir()
    return path


def packed(mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("Dockerfile")
        info.size = 12
        archive.addfile(info, io.BytesIO(b"FROM scratch"))
    return out.getvalue()


def test_a_folder(tmp_path: Path, target: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    found = resolve(str(tmp_path), str(target))
    assert containerfile_in(found.directory) == str(tmp_path / "Dockerfile")
    (tmp_path / "Containerfile").write_text("FROM scratch")
    assert containerfile_in(found.directory) == str(tmp_path / "Containerfile")
    with pytest.raises(NotFound):
        resolve(str(tmp_path / "none"), str(target))
    with pytest.raises(InvalidArgument):
        resolve(str(tmp_path / "Dockerfile"), str(target))
    with pytest.raises(NotFound, match="no Containerfile"):
        containerfile_in(str(target))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_a_tar_on_stdin(target: Path, mode: str) -> None:
    found = resolve("-", str(target), io.BytesIO(packed(mode)))
    assert Path(containerfile_in(found.directory)).read_text() == "FROM scratch"


def test_a_containerfile_on_stdin(target: Path) -> None:
    found = resolve("-", str(target), io.BytesIO(b"FROM scratch\n" * 100))
    assert Path(found.containerfile).read_text() == "FROM scratch\n" * 100
    assert os.listdir(found.directory) == []


def test_a_damaged_tar(target: Path) -> None:
    with pytest.raises(RundletError):
        resolve("-", str(target), io.BytesIO(packed("w:gz")[:100]))


def test_archive_and_containerfile_by_http(site: tuple[Path, str], target: Path) -> None:
    directory, url = site
    (directory / "a.tar.gz").write_bytes(packed("w:gz"))
    (directory / "Containerfile").write_text("FROM scratch")
    found = resolve(f"{url}/a.tar.gz", str(target))
    assert Path(containerfile_in(found.directory)).read_text() == "FROM scratch"
    found = resolve(f"{url}/Containerfile", str(target))
    assert Path(found.containerfile).read_text() == "FROM scratch"
    with pytest.raises(NotFound, match="404"):
        resolve(f"{url}/none", str(target))


def test_download_with_a_checksum(site: tuple[Path, str], target: Path) -> None:
    directory, url = site
    (directory / "a b").write_bytes(b"content")
    os.utime(directory / "a b", (1_700_000_000, 1_700_000_000))
    digest = f"sha256:{hashlib.sha256(b'content').hexdigest()}"
    found = fetching.download(f"{url}/a%20b", str(target / "1"), checksum=digest)
    assert found == fetching.Download("a b", digest, 1_700_000_000_000_000_000)
    with pytest.raises(DigestMismatch):
        fetching.download(f"{url}/a%20b", str(target / "2"), checksum=f"sha256:{'0' * 64}")


def git(directory: Path, *words: str) -> None:
    names = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")
    environment = {**os.environ, **dict.fromkeys(names, "tester")}
    subprocess.run(["git", "-C", directory, *words], check=True, env=environment)


def test_git_with_ref_and_directory(tmp_path: Path, site: tuple[Path, str], target: Path) -> None:
    needs("git")
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    git(work, "init", "-q", "-b", "main")
    for ref in ("main", "other"):
        if ref != "main":
            git(work, "checkout", "-q", "-b", ref)
        (work / "sub" / "Dockerfile").write_text(f"# {ref}")
        git(work, "add", ".")
        git(work, "commit", "-q", "-m", ref)
    git(work, "checkout", "-q", "main")
    directory, url = site
    git(tmp_path, "clone", "-q", "--bare", str(work), str(directory / "x.git"))
    git(directory / "x.git", "update-server-info")
    for fragment, text in (("", "# main"), ("#other", "# other"), ("#other:sub", "# other")):
        found = resolve(f"{url}/x.git{fragment}", str(target)).directory
        file = Path(found) / ("Dockerfile" if ":" in fragment else "sub/Dockerfile")
        assert file.read_text() == text
    with pytest.raises(NotFound, match="no directory 'none'"):
        resolve(f"{url}/x.git#:none", str(target))
    with pytest.raises(InvalidArgument, match="git fetch: "):
        resolve(f"{url}/x.git#nosuch", str(target))
    bare = fetching.clone(locations.git(f"{url}/x.git"), str(target / "y"), keep_git=False)
    assert os.listdir(bare.directory) == ["sub"]
    with pytest.raises(DigestMismatch):
        fetching.clone(locations.git(f"{url}/x.git"), str(target / "z"), commit="0123")


def test_what_is_git() -> None:
    for text in ("git://h/x", "git@github.com:a/b", "https://h/x.git", "https://h/x.git#a:b"):
        assert locations.is_git(text)
    for text in ("https://h/x.tar", "./x.git", "github.community/x"):
        assert not locations.is_git(text)
    assert locations.git("github.com/a/b#v1:../sub") == locations.Git(
        "https://github.com/a/b", "v1", "sub"
    )
    with pytest.raises(InvalidArgument):
        locations.git("git@x#--upload-pack=evil")


def test_named_contexts() -> None:
    assert locations.named("a=docker-image://b:1") == locations.Named("a", image="b:1")
    assert locations.named("a=../b") == locations.Named("a", location="../b")
    with pytest.raises(InvalidArgument):
        locations.named("a")


def test_scratch_is_gone_and_named_by_a_lease(tmp_path: Path) -> None:
    with Engine(root=str(tmp_path / "root"), runroot=str(tmp_path / "run")) as engine:
        with scratch(engine) as path:
            (Path(path) / "deep").mkdir()
            (row,) = engine.database.rows("SELECT object FROM leases WHERE kind = 'file'")
            assert path.endswith(row[0])
        assert not os.path.exists(path)
        assert engine.database.rows("SELECT object FROM leases") == []
