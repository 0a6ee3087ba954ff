"""The process of an exec session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rundlet.core.containers.request import ContainerRequest
from rundlet.core.errors import InvalidArgument
from rundlet.core.spec.capabilities import ALL, DEFAULT
from rundlet.core.spec.execution import ExecPlan, exec_process
from rundlet.core.spec.generate import SpecPlan, generate
from rundlet.core.spec.host import Host


@pytest.fixture
def rootfs(tmp_path: Path) -> str:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("www:x:33:33::/var/www:/bin/sh\n")
    return str(tmp_path)


def spec(rootfs: str, **fields: Any) -> dict[str, Any]:
    return generate(SpecPlan(ContainerRequest(command=("x",), **fields), "c", rootfs)).spec


def run(rootfs: str, container: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return exec_process(ExecPlan(container, rootfs, ("ls",), **fields))


def test_it_is_the_containers_own_process_by_default(rootfs: str) -> None:
    container = spec(rootfs, terminal=True, workdir="/srv", env={"A": "1"}, user="www")
    found = run(rootfs, container)
    assert found["args"] == ["ls"]
    assert found["cwd"] == "/srv"
    assert "A=1" in found["env"]
    assert found["user"]["uid"] == 33
    assert "terminal" not in found
    assert found["capabilities"] == container["process"]["capabilities"]
    assert container["process"]["args"] == ["x"]


def test_what_is_asked_for(rootfs: str) -> None:
    found = run(
        rootfs,
        spec(rootfs),
        user="www",
        env={"A": "2", "HOME": "/h"},
        workdir="/tmp",
        terminal=True,
        console=(24, 80),
    )
    assert found["user"]["uid"] == 33
    assert found["cwd"] == "/tmp"
    assert {"A=2", "HOME=/h", "TERM=xterm"} <= set(found["env"])
    assert found["terminal"] is True
    assert found["consoleSize"] == {"height": 24, "width": 80}
    assert found["capabilities"]["effective"] == []
    assert found["capabilities"]["bounding"] == sorted(DEFAULT)


def test_home_is_the_users(rootfs: str) -> None:
    assert "HOME=/var/www" in run(rootfs, spec(rootfs), user="33")["env"]


def test_root_in_a_users_container(rootfs: str) -> None:
    found = run(rootfs, spec(rootfs, user="www"), user="0")
    assert found["capabilities"]["effective"] == sorted(DEFAULT)


def test_privileged(rootfs: str) -> None:
    found = run(rootfs, spec(rootfs), privileged=True, host=Host())
    assert found["capabilities"]["effective"] == sorted(ALL)


def test_errors(rootfs: str) -> None:
    with pytest.raises(InvalidArgument, match="command"):
        exec_process(ExecPlan(spec(rootfs), rootfs, ()))
    with pytest.raises(InvalidArgument, match="absolute"):
        run(rootfs, spec(rootfs), workdir="x")
    with pytest.raises(InvalidArgument, match="ghost"):
        run(rootfs, spec(rootfs), user="ghost")
