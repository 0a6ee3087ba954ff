"""The process of a spec: command, environment, limits."""

from __future__ import annotations

from typing import Any

import pytest

from rundlet.core.spec.generate import SpecPlan, generate

from .plans import WEAK, Make, mount, variables


@pytest.mark.parametrize(
    ("image", "request_fields", "expected"),
    [
        ({"Cmd": ["a"]}, {"command": None}, ["a"]),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, {"command": None}, ["e", "a"]),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, {"command": ("b", "c")}, ["e", "b", "c"]),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, {"command": None, "entrypoint": ("f",)}, ["f"]),
        ({"Entrypoint": ["e"]}, {"command": ("b",), "entrypoint": ("f", "-x")}, ["f", "-x", "b"]),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, {"command": ("b",), "entrypoint": ("",)}, ["b"]),
        ({"Entrypoint": ["e"], "Cmd": ["a"]}, {"command": None, "entrypoint": ()}, ["a"]),
    ],
)
def test_entrypoint_and_command(
    plan: Make, image: dict[str, Any], request_fields: dict[str, Any], expected: list[str]
) -> None:
    assert generate(plan(image=image, **request_fields)).spec["process"]["args"] == expected


def test_init_runs_the_command(plan: Make) -> None:
    spec = generate(plan(init=True, init_path="/usr/bin/catatonit", command=("sleep", "1"))).spec
    assert spec["process"]["args"] == ["/run/podman-init", "--", "sleep", "1"]
    assert mount(spec, "/run/podman-init")["source"] == "/usr/bin/catatonit"
    assert "ro" in mount(spec, "/run/podman-init")["options"]


def test_environment_is_in_podmans_order(plan: Make) -> None:
    made = plan(
        terminal=True,
        image={"Env": ["PATH=/bin", "LANG=C"]},
        env={"A": "1", "LANG": "de"},
        user="www",
    )
    assert generate(made).spec["process"]["env"] == [
        "PATH=/bin",
        "container=podman",
        "TERM=xterm",
        "LANG=de",
        "A=1",
        "HOME=/var/www",
        "HOSTNAME=box",
    ]


def test_environment_can_be_unset(plan: Make) -> None:
    made = plan(image={"Env": ["A=1", "B=2"]}, unset_env=("A",))
    assert "A" not in variables(generate(made).spec)
    assert set(variables(generate(plan(unset_env=("*",), env={"C": "3"})).spec)) == {
        "C",
        "HOME",
        "HOSTNAME",
    }


def test_a_home_of_the_user_wins(plan: Make) -> None:
    assert variables(generate(plan(env={"HOME": "/x"})).spec)["HOME"] == "/x"
    assert variables(generate(plan(user="777")).spec)["HOME"] == "/"


def test_limits_default_to_podmans_and_are_clamped(plan: Make) -> None:
    def limits(made: SpecPlan) -> dict[str, tuple[int, int]]:
        rows = generate(made).spec["process"]["rlimits"]
        return {row["type"]: (row["soft"], row["hard"]) for row in rows}

    assert limits(plan())["RLIMIT_NOFILE"] == (1048576, 1048576)
    assert limits(plan(host=WEAK))["RLIMIT_NOFILE"] == (4096, 4096)
    assert limits(plan(host=WEAK, ulimits=("nofile=100:200",)))["RLIMIT_NOFILE"] == (100, 200)
    assert limits(plan(ulimits=("core=-1",)))["RLIMIT_CORE"] == ((1 << 64) - 1, (1 << 64) - 1)
    assert limits(plan(ulimits=("host",)))["RLIMIT_NOFILE"] == (1024, 4096)
