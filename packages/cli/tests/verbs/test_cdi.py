"""Devices by CDI names, from inside a container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devtools.tool import Rundlet

SPEC = {
    "cdiVersion": "0.5.0",
    "kind": "example.com/device",
    "devices": [
        {
            "name": "one",
            "containerEdits": {
                "env": ["FROM_CDI=yes"],
                "deviceNodes": [{"path": "/dev/cdi", "hostPath": "/dev/null"}],
            },
        }
    ],
}


@pytest.mark.e2e
def test_a_device_by_name(rundlet: Rundlet, busybox_archive: Path, tmp_path: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    directory = tmp_path / "cdi"
    directory.mkdir()
    (directory / "a.json").write_text(json.dumps(SPEC))
    run = ("--cdi-spec-dir", str(directory), "run", "--rm", "--network", "none", "--device")
    script = "echo $FROM_CDI; echo x > /dev/cdi && stat -c %t:%T /dev/cdi"
    done = rundlet(*run, "example.com/device=one", "busybox", "sh", "-c", script)
    assert done.stdout == "yes\n1:3\n"
    done = rundlet(*run, "example.com/device=two", "busybox", "true", check=False)
    assert done.returncode == 126 or done.returncode == 125
    assert "unresolvable CDI devices example.com/device=two" in done.stderr
