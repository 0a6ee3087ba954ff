"""`rundlet import`: tarballs of every kind, and what Debian's podman says of the image."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devtools.peers import Podman
from devtools.served import served

if TYPE_CHECKING:
    from devtools.tool import Rundlet


@pytest.fixture
def tarball(busybox_rootfs: Path, tmp_path: Path) -> Path:
    path = tmp_path / "rootfs.tar"
    subprocess.run(["tar", "-C", busybox_rootfs, "-cf", path, "."], check=True)
    return path


def _config(rundlet: Rundlet, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(rundlet("image", "inspect", name).stdout)[0]
    return document


def test_prints_the_id(rundlet: Rundlet, tarball: Path) -> None:
    done = rundlet("import", "-q", str(tarball), "base:1")
    assert done.stdout.strip() == rundlet("images", "-q", "--no-trunc").stdout.strip()
    assert rundlet("image", "exists", "localhost/base:1").returncode == 0
    nameless = rundlet("import", "-q", "-m", "another", str(tarball)).stdout.strip()
    assert _config(rundlet, nameless.removeprefix("sha256:"))["RepoTags"] == []


@pytest.mark.parametrize("program", ["gzip", "xz", "bzip2", "zstd"])
def test_compressed_through_a_pipe(rundlet: Rundlet, tarball: Path, program: str) -> None:
    packed = subprocess.run([program, "-c", tarball], capture_output=True, check=True).stdout
    subprocess.run(
        ["rundlet", "import", "-", "base"], env=rundlet.environment, input=packed, check=True
    )
    (layer,) = _config(rundlet, "base")["RootFS"]["Layers"]
    rundlet("import", "-q", str(tarball), "plain")
    assert _config(rundlet, "plain")["RootFS"]["Layers"] == [layer]


CHANGES = (
    "CMD=/bin/sh",
    "ENTRYPOINT [\"/bin/busybox\", \"env\"]",
    "ENV A=b",
    "EXPOSE 80",
    "LABEL one=two",
    "STOPSIGNAL SIGINT",
    "USER nobody",
    "VOLUME /data",
    "WORKDIR /tmp",
)  # fmt: skip


def test_changes_as_podmans(rundlet: Rundlet, podman: Podman, tarball: Path) -> None:
    changes = [word for change in CHANGES for word in ("--change", change)]
    documents = []
    for tool in (rundlet, podman):
        tool("import", "-q", "-m", "made here", *changes, str(tarball), "base")
        (document,) = json.loads(tool("image", "inspect", "base").stdout)
        documents.append(document)
    ours, theirs = documents
    for key in ("Config", "Comment", "Os", "Architecture", "User", "RepoTags", "Author"):
        assert ours[key] == theirs[key], key


def test_platform(rundlet: Rundlet, tarball: Path) -> None:
    rundlet("import", "-q", "--os", "linux", "--arch", "arm", "--variant", "v7", str(tarball), "a")
    document = _config(rundlet, "a")
    assert (document["Os"], document["Architecture"]) == ("linux", "arm")


def test_from_a_url(rundlet: Rundlet, tarball: Path) -> None:
    with served(tarball.parent) as url:
        rundlet("import", "-q", f"{url}/{tarball.name}", "base")
        assert rundlet("run", "--rm", "--network=none", "base", "echo", "hi").stdout == "hi\n"
        missing = rundlet("import", f"{url}/nosuch.tar", check=False)
    assert missing.returncode == 125
    assert "nosuch.tar" in missing.stderr
    gone = rundlet("import", f"{url}/{tarball.name}", check=False)
    assert gone.returncode == 125
    assert "refused" in gone.stderr.lower()


def test_nonsense_is_refused_and_leaves_nothing(rundlet: Rundlet, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tarball at all " * 100)
    for words in ([str(tmp_path / "text"), "a"], ["/nosuch", "a"], [str(tmp_path), "a"]):
        done = rundlet("import", *words, check=False)
        assert done.returncode == 125, words
        assert done.stderr.startswith("Error: ")
        assert "Traceback" not in done.stderr
    bad = rundlet("import", "-c", "RUN ls", str(tmp_path / "text"), check=False)
    assert bad.returncode == 125
    assert "RUN" in bad.stderr
    assert rundlet("images", "-aq").stdout == ""


def test_what_is_no_tarball_is_named(rundlet: Rundlet, tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("no tarball")
    done = rundlet("import", str(tmp_path / "junk"), "junk", check=False)
    assert (done.returncode, f"{tmp_path}/junk is no whole tarball" in done.stderr) == (125, True)
    assert rundlet("images", "-q").stdout == ""
