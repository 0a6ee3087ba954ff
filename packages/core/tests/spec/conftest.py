"""Plans of containers over a small root file system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rundlet.core.containers.request import ContainerRequest
from rundlet.core.spec.generate import SpecPlan

from .plans import FULL, V2, Make

PASSWD = """root:x:0:0:root:/root:/bin/sh
www:x:33:33::/var/www:/bin/false
odd:x:50:60::/odd:/bin/sh
"""


GROUP = "root:x:0:\nwww:x:33:\naudio:x:29:www,odd\nempty:x:70\nvideo:x:44:odd\n"


@pytest.fixture
def rootfs(tmp_path: Path) -> str:
    root = tmp_path / "rootfs"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text(GROUP)
    return str(root)


@pytest.fixture
def plan(rootfs: str) -> Make:
    def make(**fields: Any) -> SpecPlan:
        of_plan = {key: fields.pop(key) for key in list(fields) if key in SpecPlan.__fields__}
        request = ContainerRequest(**{"command": ("true",), **fields})
        base: dict[str, Any] = {
            "container": "c" * 64,
            "rootfs": rootfs,
            "layout": V2,
            "host": FULL,
            "hostname": "box",
        }
        return SpecPlan(request, **{**base, **of_plan})

    return make
