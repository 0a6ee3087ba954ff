"""One call of a plugin: its environment, its answers and its failures."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from rundlet.core.errors import NetworkError
from rundlet.net_cni.execute import Call, Executor, PluginFailed

CALL = Call("ADD", "c" * 64, "/run/netns/x", "eth0", "IgnoreUnknown=1")


def script(directory: Path, name: str, text: str) -> None:
    (directory / name).write_text(f"#!/bin/sh\n{text}\n")
    (directory / name).chmod(0o755)


@pytest.fixture
def executor(tmp_path: Path) -> Executor:
    return Executor([str(tmp_path / "empty"), str(tmp_path)], timeout=60)


def run(executor: Executor, name: str) -> dict[str, object]:
    return executor.run("net", {"type": name, "name": "net"}, CALL)


def test_what_a_plugin_is_told(
    executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNI_OTHER", "must not be passed on")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy")
    script(tmp_path, "p", f"env > {tmp_path}/env; cat > {tmp_path}/stdin; echo '{{\"ips\": []}}'")
    assert run(executor, "p") == {"ips": []}
    told = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert {key: value for key, value in told.items() if key.startswith("CNI_")} == {
        "CNI_COMMAND": "ADD",
        "CNI_CONTAINERID": "c" * 64,
        "CNI_NETNS": "/run/netns/x",
        "CNI_IFNAME": "eth0",
        "CNI_ARGS": "IgnoreUnknown=1",
        "CNI_PATH": f"{tmp_path}/empty:{tmp_path}",
    }
    assert told["HTTP_PROXY"] == "http://proxy"
    assert "/usr/sbin" in told["PATH"].split(":")
    assert json.loads((tmp_path / "stdin").read_text()) == {"type": "p", "name": "net"}


def test_an_error_of_the_plugin(executor: Executor, tmp_path: Path) -> None:
    answer = {"cniVersion": "1.0.0", "code": 11, "msg": "try again", "details": "later"}
    script(tmp_path, "p", f"echo '{json.dumps(answer)}'; echo noise >&2; exit 1")
    with pytest.raises(PluginFailed) as caught:
        run(executor, "p")
    assert str(caught.value) == (
        'network "net": plugin "p" failed (add): try again: later (code 11)'
    )
    assert caught.value.code == 11


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("echo oops >&2; exit 3", "exit code 3: oops"),
        ("exit 3", "exit code 3: it said nothing"),
        ("echo '[1]'; exit 3", r"exit code 3: \[1\]"),
        ("echo nonsense", "no JSON object: nonsense"),
        ("echo '[1]'", "no JSON object"),
        ("kill -9 $$", "killed by signal 9"),
        ('echo \'{"code": "x", "msg": "m"}\'; exit 1', r"m \(code 0\)"),
    ],
)
def test_other_failures(executor: Executor, tmp_path: Path, text: str, says: str) -> None:
    script(tmp_path, "p", text)
    with pytest.raises(PluginFailed, match=says):
        run(executor, "p")


def test_no_answer_is_none(executor: Executor, tmp_path: Path) -> None:
    script(tmp_path, "p", "exit 0")
    assert run(executor, "p") == {}


def test_much_output(executor: Executor, tmp_path: Path) -> None:
    script(tmp_path, "p", "head -c 3000000 /dev/zero >&2; echo '{}'")
    assert run(executor, "p") == {}


def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    script(tmp_path, "p", f"sleep 60 & echo $! > {tmp_path}/child; wait")
    executor = Executor([str(tmp_path)], timeout=3)
    begun = time.monotonic()
    with pytest.raises(PluginFailed, match=r"no answer within 3 s; it was killed"):
        run(executor, "p")
    assert time.monotonic() - begun < 50
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text():
            break
        time.sleep(0.02)
    else:
        pytest.fail("the child of the plugin lives")


def test_a_missing_plugin(executor: Executor, tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        run(executor, "nothing")
    assert f'"nothing" in path [{tmp_path}/empty {tmp_path}]' in caught.value.message
    assert "apt-get install containernetworking-plugins" in caught.value.remedy


def test_what_is_no_program(executor: Executor, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "text").write_text("")
    for name in ("d", "text"):
        with pytest.raises(NetworkError, match="failed to find plugin"):
            run(executor, name)
    (tmp_path / "junk").write_bytes(b"\x7fELF junk")
    (tmp_path / "junk").chmod(0o755)
    with pytest.raises(NetworkError, match=r"(cannot run|failed)"):
        run(executor, "junk")


def test_nothing_of_ours_leaks_into_plugins(executor: Executor, tmp_path: Path) -> None:
    script(tmp_path, "p", f"ls -l /proc/$$/fd > {tmp_path}/fds; exit 0")
    kept = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    executor.keep = (kept,)
    run(executor, "p")
    os.close(kept)
    open_files = (tmp_path / "fds").read_text()
    assert str(tmp_path / "lock") in open_files
    assert open_files.count("memfd:") == 3  # stdin, stdout and stderr


def test_versions_of_the_real_ones() -> None:
    executor = Executor(["/usr/libexec/cni", "/usr/lib/cni", "/opt/cni/bin"])
    if not executor.search("bridge"):
        pytest.skip("containernetworking-plugins is not installed")
    assert {"0.4.0", "1.0.0"} <= set(executor.versions("bridge"))
