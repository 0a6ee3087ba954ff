from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.errors import InvalidArgument
from rundlet.core.spec.cdi import devices, inject, qualified

NULL: dict[str, Any] = {
    "cdiVersion": "0.6.0",
    "kind": "example.com/device",
    "containerEdits": {"env": ["COMMON=1"]},
    "devices": [
        {
            "name": "null",
            "containerEdits": {
                "env": ["A=2"],
                "deviceNodes": [{"path": "/dev/other", "hostPath": "/dev/null"}],
                "mounts": [{"hostPath": "/tmp", "containerPath": "/t", "options": ["ro"]}],
                "hooks": [{"hookName": "poststop", "path": "/bin/true", "args": ["true"]}],
                "additionalGids": [5, 0],
            },
        },
        {"name": "all", "containerEdits": {}},
    ],
}


def spec() -> dict[str, Any]:
    return {
        "process": {"env": ["A=1", "B=1"], "user": {"uid": 0, "gid": 0}},
        "mounts": [],
        "linux": {"resources": {"devices": [{"allow": False, "access": "rwm"}]}},
    }


def test_names() -> None:
    assert qualified("vendor.com/class=name") and qualified("nvidia.com/gpu=0")
    for text in ("/dev/null", "/dev/a=b", "class=name", "v/c=", "", "v/c"):
        assert not qualified(text), text


def test_all_that_is_edited(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(NULL))
    edited = spec()
    names = ("example.com/device=null", "example.com/device=all", "example.com/device=null")
    inject(edited, names, [str(tmp_path)])
    assert edited["process"]["env"] == ["B=1", "COMMON=1", "A=2"]
    assert edited["process"]["user"]["additionalGids"] == [5]
    assert edited["linux"]["devices"] == [
        {"path": "/dev/other", "type": "c", "major": 1, "minor": 3}
    ]
    assert edited["linux"]["resources"]["devices"][1] == {
        "allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm",
    }  # fmt: skip
    assert edited["mounts"] == [
        {"destination": "/t", "source": "/tmp", "type": "bind", "options": ["ro", "bind"]}
    ]
    assert edited["hooks"] == {"poststop": [{"path": "/bin/true", "args": ["true"]}]}


def test_yaml_and_later_directories_win(tmp_path: Path) -> None:
    for name, value in (("low", "1"), ("high", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.yaml").write_text(
            "cdiVersion: 0.5.0\nkind: v.com/c\ndevices:\n- name: d\n"
            f"  containerEdits:\n    env: [X={value}]\n"
        )
    edited = spec()
    inject(edited, ["v.com/c=d"], [str(tmp_path / "low"), str(tmp_path / "high")])
    assert "X=2" in edited["process"]["env"]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="unresolvable CDI devices v/c=x"):
        inject(spec(), ["v/c=x"], [str(tmp_path)])
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(NULL))
    with pytest.raises(InvalidArgument, match=r"is in .*a.json and in .*b.json"):
        devices([str(tmp_path)])
    (tmp_path / "b.json").unlink()
    for content in ("{", "[]", '{"kind": "nothing"}'):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(InvalidArgument, match=r"a\.json"):
            devices([str(tmp_path)])
    broken = {"kind": "v/c", "devices": [{"name": "d", "containerEdits": {"mounts": [{}]}}]}
    (tmp_path / "a.json").write_text(json.dumps(broken))
    with pytest.raises(InvalidArgument, match="malformed containerEdits"):
        inject(spec(), ["v/c=d"], [str(tmp_path)])
