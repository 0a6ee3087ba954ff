from __future__ import annotations

import os
from pathlib import Path

import pytest

from rundlet.core.errors import DriverUnavailable, RuntimeFailed, WrongState
from rundlet.core.linux.spawn import spawn
from rundlet.core.monitor import launch, program


def test_messages_of_conmon() -> None:
    assert launch.parse(b'{"data": 42}') == launch.Sync(42)
    # conmon passes control characters and bytes that are not UTF-8 on as they are
    raw = b'{"data": -1, "message": "a\tb\x07 \xff"}'
    assert launch.parse(raw) == launch.Sync(-1, "a\tb\x07 \ufffd")
    assert launch.parse(b"nonsense").data == -1
    assert launch.parse(b'{"pid": 3}').data == -1


def test_conmon_that_is_not_there() -> None:
    with pytest.raises(DriverUnavailable, match="/nowhere/conmon is not installed"):
        launch.find("/nowhere/conmon")


def test_conmon_that_fails_tells_its_words(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailed, match="Container ID not provided"):
        launch.launch([launch.find()], directory=str(tmp_path), variables={})
    with pytest.raises(RuntimeFailed, match="cannot start /nowhere"):
        launch.launch(["/nowhere"], directory=str(tmp_path), variables={})


def test_the_environment_is_only_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNDLET_CONF", "/x")
    monkeypatch.setenv("SECRET", "y")
    found = launch.environment("/run/short", {"A": "b"})
    assert found["RUNDLET_CONF"] == "/x" and found["A"] == "b"
    assert "SECRET" not in found
    assert found["TMPDIR"] == "/run/short"
    assert "TMPDIR" not in launch.environment("/" + "d" * 90, None)


def test_control_without_a_monitor(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ctl")
    with pytest.raises(WrongState, match="monitor is gone"):
        program.resize(str(tmp_path), "it", 24, 80)


def test_spawn_gives_exactly_these_descriptors(tmp_path: Path) -> None:
    script = "pwd; readlink /proc/self/fd/4; ls /proc/$$/fd; grep SigIgn /proc/$$/status"
    with (tmp_path / "out").open("wb") as out, open("/etc/passwd", "rb") as passwd:
        pid = spawn(
            ["/bin/sh", "-c", script],
            directory=str(tmp_path),
            environment={"PATH": os.environ["PATH"]},
            descriptors={0: passwd.fileno(), 1: out.fileno(), 2: out.fileno(), 4: passwd.fileno()},
        )
        assert os.waitpid(pid, 0)[1] == 0
    lines = (tmp_path / "out").read_text().split()
    assert lines[:2] == [str(tmp_path), "/etc/passwd"]
    assert {"0", "1", "2", "4"} <= set(lines[2:])
    assert int(lines[-1], 16) >> 12 & 1 == 0  # SIGPIPE, which Python ignores


def test_spawn_swaps_descriptors(tmp_path: Path) -> None:
    """A source may have the number of another target."""
    read, write = os.pipe()
    spare, other = os.pipe()
    pid = spawn(
        ["/bin/sh", "-c", f"echo a >/dev/fd/{read}; echo b >/dev/fd/{spare}"],
        directory="/",
        environment={},
        descriptors={1: write, 2: write, read: write, spare: other},
    )
    os.waitpid(pid, 0)
    assert (os.read(read, 10), os.read(spare, 10)) == (b"a\n", b"b\n")
    for descriptor in (read, write, spare, other):
        os.close(descriptor)
