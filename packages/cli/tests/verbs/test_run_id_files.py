"""Files that `run` and `create` write ids to: --cidfile, --pidfile, --conmon-pidfile."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from devtools.tool import Rundlet


def test_id_files(loaded: Rundlet, tmp_path: Path) -> None:
    cid, pid, monitor = (tmp_path / name for name in ("cid", "pid", "monitor"))
    flags = ("--cidfile", str(cid), "--pidfile", str(pid), "--conmon-pidfile", str(monitor))
    words = ("run", "-d", "--network=none", *flags, "busybox", "sleep", "100")
    identity = loaded(*words).stdout.strip()
    assert cid.read_text() == identity
    assert b"sleep" in Path(f"/proc/{pid.read_text()}/cmdline").read_bytes()
    assert b"conmon" in Path(f"/proc/{monitor.read_text()}/cmdline").read_bytes()
    loaded("rm", "-f", "-t", "0", "--cidfile", str(cid))
    assert not cid.exists()
    cid.write_text("what a machine that lost its power had left " * 10)
    again = loaded(*words).stdout.strip()
    assert again == cid.read_text()
    cid.write_text("another's by now")
    loaded("rm", "-f", "-t", "0", again)
    assert cid.read_text() == "another's by now"


def test_a_cidfile_that_is_a_device_stays(loaded: Rundlet, tmp_path: Path) -> None:
    node = tmp_path / "null"
    os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    loaded("run", "--rm", "--network=none", "--cidfile", str(node), "busybox", "true")
    assert node.is_char_device()


def test_a_cidfile_of_a_failed_create_is_gone(loaded: Rundlet, tmp_path: Path) -> None:
    words = ("run", "--rm", "--network=none", "--cidfile", str(tmp_path / "cid"))
    done = loaded(*words, "--secret", "nope", "busybox", "true", check=False)
    assert (done.returncode, "nope" in done.stderr) == (125, True), done.stderr
    assert not (tmp_path / "cid").exists()
