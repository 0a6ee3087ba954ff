"""`rundlet volume export`, `import`, `mount` and `unmount`."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.peers import Podman

if TYPE_CHECKING:
    from devtools.tool import Rundlet


@pytest.fixture
def data(rundlet: Rundlet) -> Path:
    """The directory of a volume `data` with some content."""
    rundlet("volume", "create", "data")
    directory = Path(rundlet("volume", "mount", "data").stdout.strip())
    (directory / "sub").mkdir()
    (directory / "sub/file").write_text("hello")
    os.chown(directory / "sub/file", 7, 8)
    os.chmod(directory / "sub/file", 0o4750)
    os.symlink("/etc/passwd", directory / "link")
    return directory


def archive(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def load(rundlet: Rundlet, content: bytes) -> subprocess.CompletedProcess[bytes]:
    command = ["rundlet", "volume", "import", "data", "-"]
    return subprocess.run(
        command, input=content, env=rundlet.environment, capture_output=True, check=False
    )


def test_out_and_in_again(rundlet: Rundlet, data: Path, tmp_path: Path) -> None:
    rundlet("volume", "export", "-o", str(tmp_path / "data.tar"), "data")
    rundlet("volume", "create", "other")
    rundlet("volume", "import", "other", str(tmp_path / "data.tar"))
    other = Path(rundlet("volume", "mount", "other").stdout.strip())
    info = (other / "sub/file").stat()
    assert (other / "sub/file").read_text() == "hello"
    assert (info.st_mode & 0o7777, info.st_uid, info.st_gid) == (0o4750, 7, 8)
    assert os.readlink(other / "link") == "/etc/passwd"


def test_podman_reads_it(rundlet: Rundlet, podman: Podman, data: Path, tmp_path: Path) -> None:
    rundlet("volume", "export", "-o", str(tmp_path / "data.tar"), "data")
    podman("volume", "create", "data")
    podman("volume", "import", "data", str(tmp_path / "data.tar"))
    there = podman("volume", "inspect", "-f", "{{.Mountpoint}}", "data").stdout.strip()
    assert Path(there, "sub/file").read_text() == "hello"


def test_an_import_merges(rundlet: Rundlet, data: Path) -> None:
    content = archive(("sub/new", b"new"), ("link", b"a file now"))
    assert load(rundlet, content).returncode == 0
    assert sorted(os.listdir(data / "sub")) == ["file", "new"]
    assert (data / "link").read_text() == "a file now"
    assert not (data / "link").is_symlink()


@pytest.mark.parametrize("damage", ["cut", "no tar", "outside"])
def test_a_bad_archive_changes_nothing(rundlet: Rundlet, data: Path, damage: str) -> None:
    good = archive(("sub/file", b"other"), ("more", os.urandom(100_000)))
    content = {
        "cut": good[: len(good) // 2],
        "no tar": b"nonsense" * 1000,
        "outside": archive(("sub/file", b"other"), ("../../outside", b"x")),
    }[damage]
    done = load(rundlet, content)
    inside = sorted(os.listdir(data.parent.parent))
    if damage == "outside" and done.returncode == 0:  # it became a name inside
        assert inside == ["data"]
        assert not (data.parent / "outside").exists()
        return
    assert done.returncode == 125
    assert done.stderr.startswith(b"Error: ")
    assert (data / "sub/file").read_text() == "hello"
    assert os.listdir(data.parent) == ["_data"]


def test_a_terminal_is_refused(rundlet: Rundlet, data: Path) -> None:
    leader, follower = os.openpty()
    done = subprocess.run(
        ["rundlet", "volume", "export", "data"],
        env=rundlet.environment,
        stdout=follower,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(leader)
    os.close(follower)
    assert done.returncode == 125
    assert b"refusing to export to terminal" in done.stderr


def test_a_volume_with_a_file_system(rundlet: Rundlet) -> None:
    rundlet("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "data")
    directory = rundlet("volume", "mount", "data").stdout.strip()
    assert os.path.ismount(directory)
    assert load(rundlet, archive(("file", b"x"))).returncode == 0
    assert os.listdir(directory) == ["file"]
    assert rundlet("volume", "unmount", "data").stdout == "data\n"
    assert not os.path.ismount(directory)


def test_a_volume_that_is_not_there(rundlet: Rundlet) -> None:
    for verb in ("export", "import", "mount", "unmount"):
        done = rundlet("volume", verb, "nosuch", check=False)
        assert done.returncode == 125
        assert "no such volume" in done.stderr


def test_prune_spares_volumes_with_names(rundlet: Rundlet, busybox_archive: Path) -> None:
    """As podman 6 and docker; system prune --volumes takes all that are unused."""
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("create", "--network=none", "--name", "c", "-v", "/x", "-v", "used:/y", "busybox")
    rundlet("volume", "create", "named")
    rundlet("volume", "create", "--label", "keep=1", "kept")
    assert rundlet("volume", "rm", "-t", "3", "kept", check=False).returncode == 125
    prune = ("volume", "prune", "-f")
    assert rundlet(*prune).stdout == ""
    assert rundlet("volume", "prune").stdout == "No dangling anonymous volumes found\n"
    anonymous = rundlet("volume", "ls", "-q").stdout.split()[0]
    nameless = rundlet("volume", "create").stdout
    assert rundlet(*prune).stdout == nameless
    rundlet("rm", "c")
    assert rundlet(*prune, "--dry-run").stdout == f"{anonymous}\n"
    everything = f"{anonymous}\nnamed\nused\n"
    for words in (("-a", "--filter", "label!=keep"), ("--filter=all=true", "--filter=label!=keep")):
        assert rundlet(*prune, "--dry-run", *words).stdout == everything
    assert rundlet(*prune, "--dry-run", "--filter=anonymous=false").stdout == "kept\nnamed\nused\n"
    assert rundlet(*prune, "-a", "--filter", "until=0").stdout == ""  # the epoch, not 0 s ago
    assert rundlet(*prune).stdout == f"{anonymous}\n"
    for wrong in ("until=soon", "since=nosuch", "nosuch=1"):  # though there is none to ask of
        assert rundlet(*prune, "--filter", wrong, check=False).returncode == 125
    assert rundlet("volume", "create", "--label", "=x", check=False).returncode == 125
    assert "anonymous" not in rundlet(*prune, "-a").stdout
    assert rundlet("volume", "ls", "-q").stdout == ""


def test_events_of_volumes(rundlet: Rundlet) -> None:
    """With their labels, as podman 6."""
    rundlet("volume", "create", "--label", "a=b", "one")
    rundlet("volume", "rm", "one")
    shown = ("events", "--stream=false", "--filter", "volume=one")
    form = "{{.Type}} {{.Status}} {{.Name}} {{.Attributes}} {{.OOMKilled}}"
    done = rundlet(*shown, "--filter", "label=a=b", "--format", form).stdout
    assert done == "".join(f"volume {how} one map[a:b] false\n" for how in ("create", "remove"))
    rundlet("volume", "create", "two")
    rundlet("volume", "prune", "-f", "-a")
    told = rundlet("events", "--stream=false", "--filter", "volume=two", "--format", "{{.Status}}")
    assert told.stdout.split() == ["create", "remove", "prune"]
