"""ctrl-C, and the signals of a session that ends: nothing temporary stays, and who called sees
the signal.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools import images
from devtools.registry import Registry, push
from devtools.slow import SlowLine
from devtools.waiting import until

if TYPE_CHECKING:
    from devtools.tool import Rundlet

pytestmark = pytest.mark.e2e
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
ending = pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)


def _begin(
    rundlet: Rundlet, *words: str, stdin: int = subprocess.DEVNULL, by: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*by, "rundlet", *words],
        env=rundlet.environment,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed,
    )


def _heed() -> None:
    """Signals that whoever runs the tests ignores (nohup) would stay ignored."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)


def _temporary(rundlet: Rundlet) -> list[str]:
    path = rundlet.directory / "root" / "tmp"
    return os.listdir(path) if path.exists() else []


def _waits_for_input(process: subprocess.Popen[str]) -> bool:
    """Whether it is blocked: a signal that comes just before Python reads is only seen after."""
    return "pipe_read" in Path(f"/proc/{process.pid}/wchan").read_text()


def _ends(process: subprocess.Popen[str], number: int) -> None:
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -number, errors
    assert "Traceback" not in errors and "Error" not in errors


@ending
def test_pull_over_a_slow_line(
    rundlet: Rundlet, registry: Registry, tmp_path: Path, number: int
) -> None:
    layers = [
        images.layer([images.Member(name, random.Random(name).randbytes(2_000_000))])
        for name in ("a", "b")
    ]
    images.Layout(tmp_path / "layout").add("big", images.ImageRecipe(layers))
    push(tmp_path / "layout", "big", f"{registry.host}/big:1")
    with SlowLine(registry.port, 50_000) as line:
        process = _begin(rundlet, "pull", "--tls-verify=false", f"{line.host}/big:1")
        assert line.begun.wait(60)
        until(lambda: len(_temporary(rundlet)) == 2)  # both layers are on their way
        _ends(process, number)
    assert _temporary(rundlet) == []
    assert rundlet("images", "-qa").stdout == ""


@ending
@pytest.mark.parametrize("words", [("load",), ("import", "-", "x"), ("volume", "import", "v", "-")])
def test_what_reads_an_archive(
    rundlet: Rundlet, busybox_archive: Path, number: int, words: tuple[str, ...]
) -> None:
    rundlet("volume", "create", "v")
    reader, writer = os.pipe()
    process = _begin(rundlet, *words, stdin=reader)
    os.close(reader)
    with open(writer, "wb") as file:
        file.write(busybox_archive.read_bytes()[:300_000])  # more than a pipe holds: it reads
        file.flush()
        until(lambda: _waits_for_input(process))
        assert words[0] == "volume" or _temporary(rundlet)
        _ends(process, number)
    assert _temporary(rundlet) == []
    assert rundlet("system", "check").stdout == ""


def _writes_below(process: subprocess.Popen[str], directory: Path) -> bool:
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(link).startswith(f"{directory}/"):
                return True
    return False


@ending
def test_a_file_that_is_half_written(
    rundlet: Rundlet, busybox_archive: Path, tmp_path: Path, number: int
) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("run", "--name", "c", "--network", "none", "busybox", "truncate", "-s", "4G", "/sparse")
    out = tmp_path / "out"
    out.mkdir()
    process = _begin(rundlet, "export", "-o", str(out / "c.tar"), "c")
    until(lambda: _writes_below(process, out))  # a file without a name until it is whole
    _ends(process, number)
    assert os.listdir(out) == []


def test_output_until_then_is_there(rundlet: Rundlet, busybox_archive: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    process = _begin(rundlet, "events", "--format", "{{.Status}}", "--since", "1h")
    assert process.stdout is not None
    until(lambda: b"load" in os.read(process.stdout.fileno(), 4096))  # type: ignore[union-attr]
    _ends(process, signal.SIGINT)


def test_twice_is_once(rundlet: Rundlet, busybox_archive: Path) -> None:
    """timeout(1) signals its command, and then the whole group again."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        ["timeout", "-s", "INT", "3", "rundlet", "load"],
        env=rundlet.environment,
        stdin=reader,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    os.close(reader)
    with open(writer, "wb") as file:
        file.write(busybox_archive.read_bytes()[:300_000])
        file.flush()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 124 and errors == ""
    assert _temporary(rundlet) == []


def test_nohup(rundlet: Rundlet) -> None:
    """A signal that the caller ignores stays ignored."""
    process = _begin(rundlet, "events", "--since", "1h", "--until", "2s", by=("nohup",))
    until(lambda: b"nohup" not in Path(f"/proc/{process.pid}/cmdline").read_bytes())
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.05)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


def test_while_it_starts() -> None:
    """There is nothing to undo yet, and what is just imported is no traceback's business."""
    begun = "from rundlet.core.commands.launch import begin; begin(); "
    words = [sys.executable, "-c", f"{begun}import os; os.kill(os.getpid(), 2)"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize("how", [(), ("--no-session",), ("-t",)], ids=str)
def test_exec_passes_signals_on(loaded: Rundlet, how: tuple[str, ...]) -> None:
    """As the newest podman: to the command, and to what it has started; the exit code tells."""
    loaded("run", "-d", "--name=it", "--network=none", "busybox", "sleep", "1000")
    process = _begin(loaded, "exec", *how, "it", "sh", "-c", "sleep 97 & sleep 98")
    until(lambda: "sleep 97" in (found := loaded("top", "it", "args").stdout)
          and "sleep 98" in found)  # fmt: skip
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    until(lambda: "sleep 9" not in loaded("top", "it", "args").stdout)
    script = "trap 'echo usr1' USR1; echo up; until test -e /go; do sleep 0.1; done; exit 3"
    process = _begin(loaded, "exec", *how, "it", "sh", "-c", script)
    assert process.stdout is not None and process.stdout.readline().strip() == "up"
    process.send_signal(signal.SIGUSR1)
    assert "usr1" in (line.strip() for line in process.stdout)
    loaded("exec", "it", "touch", "/go")
    assert process.wait(60) == 3
