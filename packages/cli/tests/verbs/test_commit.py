"""`rundlet commit`, `diff`, `export`, `mount` and their image forms."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devtools.peers import Podman

if TYPE_CHECKING:
    from devtools.tool import Rundlet

CHANGE = "touch /new; rm /etc/passwd; mkdir /d; echo hi > /d/f; ln /d/f /d/g"


@pytest.fixture
def changed(rundlet: Rundlet, busybox_archive: Path) -> Rundlet:
    """A store with a container `c` that ended after it changed some files."""
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("run", "--network", "none", "--name", "c", "busybox", "sh", "-c", CHANGE)
    return rundlet


def _inspect(tool: Rundlet | Podman, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(tool("image", "inspect", name).stdout)[0]
    return document


def test_a_committed_image_runs_with_the_changes(changed: Rundlet) -> None:
    identity = changed("commit", "-q", "c", "made:1").stdout.strip()
    assert changed("images", "-q", "--no-trunc", "made").stdout.strip() == f"sha256:{identity}"
    check = "cat /d/f /d/g; test -e /new && ! test -e /etc/passwd"
    done = changed("run", "--rm", "--network", "none", "made:1", "sh", "-c", check)
    assert done.stdout == "hi\nhi\n"
    layers = _inspect(changed, "made:1")["RootFS"]["Layers"]
    assert layers[:-1] == _inspect(changed, "busybox")["RootFS"]["Layers"]


def test_podman_runs_on_what_was_committed(
    changed: Rundlet, podman: Podman, tmp_path: Path
) -> None:
    changed("commit", "-q", "-f", "docker", "-m", "why", "-a", "me", "c", "made")
    changed("save", "-q", "-o", str(tmp_path / "made.tar"), "made")
    podman("load", "-q", "-i", str(tmp_path / "made.tar"))
    theirs = _inspect(podman, "made")
    assert theirs["Author"] == "me"
    assert theirs["Config"]["Cmd"] == ["sh", "-c", CHANGE]
    assert theirs["RootFS"]["Layers"] == _inspect(changed, "made")["RootFS"]["Layers"]
    podman("create", "--name", "c", "made")
    root = Path(podman("mount", "c").stdout.strip())
    assert (root / "d/g").read_text() == "hi\n"
    assert not (root / "etc/passwd").exists()
    podman("unmount", "c")


def test_changes_squash_and_files(changed: Rundlet, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"Labels": {"from": "file"}}')
    changed(
        *("commit", "-q", "--squash", "--change", "CMD=/bin/true", "--change", "ENV A=b"),
        *("--config", str(tmp_path / "config.json"), "--iidfile", str(tmp_path / "id")),
        *("c", "one-layer"),
    )
    document = _inspect(changed, "one-layer")
    assert len(document["RootFS"]["Layers"]) == 1
    assert document["Config"]["Cmd"] == ["/bin/sh", "-c", "/bin/true"]
    assert "A=b" in document["Config"]["Env"]
    assert document["Config"]["Labels"] == {"from": "file"}
    assert (tmp_path / "id").read_text() == document["Id"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m", "text", "c"], "messages are only compatible with the docker image format"),
        (["nosuch"], "no container with name or ID"),
        (["-c", "RUN true", "c"], "invalid change"),
        (["c", "UPPER"], "lowercase"),
        (["-f", "other", "c"], "oci"),
    ],
)
def test_what_cannot_be_committed(changed: Rundlet, words: list[str], said: str) -> None:
    before = changed("images", "-a", "-q").stdout
    done = changed("commit", *words, check=False)
    assert done.returncode == 125
    assert said in done.stderr
    assert changed("images", "-a", "-q").stdout == before


def test_diff(changed: Rundlet) -> None:
    lines = ["A /d", "A /d/f", "A /d/g", "C /etc", "D /etc/passwd", "A /new"]
    assert changed("diff", "c").stdout.splitlines() == lines
    document = json.loads(changed("diff", "--format", "json", "c").stdout)
    assert document == {
        "changed": ["/etc"],
        "added": ["/d", "/d/f", "/d/g", "/new"],
        "deleted": ["/etc/passwd"],
    }
    assert changed("diff", "c", "busybox").stdout.splitlines() == lines
    changed("commit", "-q", "c", "made")
    assert changed("image", "diff", "made", "busybox").stdout.splitlines() == lines
    assert set(lines) <= set(changed("image", "diff", "made").stdout.splitlines())


def test_export_is_the_whole_tree(changed: Rundlet, tmp_path: Path) -> None:
    data = subprocess.run(
        ["rundlet", "export", "c"], env=changed.environment, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = set(archive.getnames())
    assert {"d/f", "bin/busybox", "new"} <= names
    assert "etc/passwd" not in names
    changed("export", "-o", str(tmp_path / "tree.tar"), "c")
    assert (tmp_path / "tree.tar").read_bytes() == data
    changed("import", "-q", str(tmp_path / "tree.tar"), "again")
    done = changed("run", "--rm", "--network", "none", "again", "/bin/cat", "/d/f")
    assert done.stdout == "hi\n"
    failed = changed("export", "-o", str(tmp_path / "no/such/x"), "c", check=False)
    assert failed.returncode == 125
    assert not changed.mounts()


def test_mount_until_unmount(changed: Rundlet) -> None:
    path = Path(changed("mount", "c").stdout.strip())
    assert (path / "d/f").read_text() == "hi\n"
    changed("diff", "c", "busybox")  # who comes for a moment does not unmount it
    assert changed("mount").stdout.split()[1] == str(path)
    changed("start", "c")
    changed("wait", "c")
    assert (path / "new").exists(), "the end of a run does not unmount what the user mounted"
    assert changed("unmount", "c").stdout == "c\n"
    assert changed("mount").stdout == ""
    assert not changed.mounts()


def test_image_mount_is_read_only(changed: Rundlet) -> None:
    path = Path(changed("image", "mount", "busybox").stdout.strip())
    assert (path / "etc/passwd").exists()
    with pytest.raises(OSError, match="Read-only"):
        (path / "file").touch()
    assert changed("image", "mount").stdout.split() == ["localhost/busybox:latest", str(path)]
    changed("image", "unmount", "busybox")
    assert not changed.mounts()
    assert changed("image", "unmount", "busybox").stdout == ""


def test_a_mounted_image_is_not_removed(changed: Rundlet) -> None:
    changed("commit", "-q", "c", "made")
    path = Path(changed("image", "mount", "made").stdout.strip())
    refused = changed("rmi", "made", check=False)
    assert refused.returncode == 2 and "is mounted" in refused.stderr
    assert (path / "bin/busybox").exists()
    changed("image", "unmount", "made")
    changed("rmi", "made")


def test_image_tree(changed: Rundlet) -> None:
    changed("commit", "-q", "c", "made")
    lines = changed("image", "tree", "made").stdout.splitlines()
    assert lines[3] == "Image Layers"
    assert "localhost/busybox:latest" in lines[4]
    assert lines[5].startswith("└── ID: ")
    assert "localhost/made:latest" in lines[5]
    assert "made" in changed("image", "tree", "--whatrequires", "busybox").stdout
