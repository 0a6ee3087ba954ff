"""`rundlet plugin check` and `info`, `rundlet policy test`."""

from __future__ import annotations

import json
from pathlib import Path

from devtools.tool import Rundlet

HOOKS = """
from rundlet.core.hookspecs import hookimpl
@hookimpl
def rundlet_admit_image(image, action):
    return "never heard of it" if action == "run" and not image.id else None
"""


def test_check_one(rundlet: Rundlet) -> None:
    done = rundlet("plugin", "check", "vfs")
    assert "ok      storage vfs: STORAGE-REMOVE-IDEMPOTENT" in done.stdout
    assert done.stderr == "1 of 1 plugins passed\n"
    found = json.loads(rundlet("plugin", "check", "--format", "json", "file").stdout)
    assert {one["clause"] for one in found} >= {"SECRET-ROUNDTRIP", "SECRET-UNKNOWN"}


def test_check_nothing_of_that_name(rundlet: Rundlet) -> None:
    done = rundlet("plugin", "check", "nope", check=False)
    assert done.returncode == 125
    assert "there is no plugin 'nope'" in done.stderr


def test_matrix(rundlet: Rundlet) -> None:
    lines = rundlet("plugin", "check", "--matrix", "--kind", "storage").stdout.splitlines()
    assert lines[0].startswith("| storage")
    assert any(line.startswith("| overlay") for line in lines)


def test_full(rundlet: Rundlet) -> None:
    done = rundlet("plugin", "check", "--full", "file")
    assert "passed" in done.stdout


def test_info(rundlet: Rundlet) -> None:
    (found,) = json.loads(rundlet("plugin", "info", "-f", "json", "vfs").stdout)
    assert found["entryPoint"] == "rundlet.storage_drivers: rundlet.core.storage.vfs"
    assert (found["contractVersion"], found["works"]) == (1, True)
    assert rundlet("plugin", "info", "nope", check=False).returncode == 125


def test_policy_test(rundlet: Rundlet, tmp_path: Path) -> None:
    assert rundlet("policy", "test", "busybox").stdout.split()[0] == "PLUGIN"
    info = tmp_path / "site" / "third-1.2.dist-info"
    info.mkdir(parents=True)
    (info.parent / "third.py").write_text(HOOKS)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[rundlet.hooks]\nknown = third\n")
    rundlet.environment["PYTHONPATH"] = str(info.parent)
    done = rundlet("policy", "test", "--format", "json", "busybox", check=False)
    assert done.returncode == 1
    said = {one["Action"]: one for one in json.loads(done.stdout)}
    assert said["pull"]["Verdict"] == "allowed"
    assert (said["run"]["Verdict"], said["run"]["Reason"]) == ("denied", "never heard of it")
    assert rundlet("policy", "test", "--action", "pull", "busybox").returncode == 0
