"""What hot verbs import: the list in docs/architecture.md, "Imports are work", holds."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import rundlet.cli
import rundlet.core
import rundlet.net_cni

if TYPE_CHECKING:
    from devtools.tool import Rundlet

FORBIDDEN = {
    "asyncio", "binascii", "dataclasses", "datetime", "encodings.ascii", "enum", "importlib",
    "importlib.metadata", "json", "logging", "pathlib", "pluggy", "pydantic", "re", "rich",
    "signal", "sqlite3", "stevedore", "subprocess", "termios", "threading", "typer", "typing",
    "urllib3", "warnings",
}  # fmt: skip
MAY: dict[str, set[str]] = {
    # The network plugin is given paths (contracts/network.py).
    "run -d busybox sleep 100": {
        "enum",
        "fnmatch",
        "ntpath",
        "pathlib",
        "re",
        "urllib",
        "warnings",
    },
    # They are attached.
    "run --rm --network none busybox true": {"termios"},
    "exec c true": {"termios"},
    # What people read is indented, and what they ask for by name in pieces, by Python's json.
    "ps --format json": {"enum", "json", "re"},
    "inspect c": {"enum", "json", "re"},
}
VERBS = (
    "ps -a",
    "ps --format json",
    "images",
    "inspect c",
    "run --rm --network none busybox true",
    "run -d --network none busybox sleep 100",
    "run -d --network none -v it:/data busybox sleep 100",
    "run -d busybox sleep 100",
    "exec c true",
    "stop -t 0 c",
    "start c",
    "kill c",
    "rm -f -t 0 c",
    "wait ended",
    "logs c",
    "container exists c",
    "create --network none busybox",
)
# Runs a verb in an interpreter without `site` and tells what it has imported. What is
# imported by then is not its doing (encodings; in this process json, for the answer).
SCRIPT = """
import sys, os
sys.path[1:1] = {paths!r}
sys.argv = ["rundlet", *{words!r}]
from rundlet.cli.main import main
code = main()
found = sorted(sys.modules)
with open({out!r}, "w") as file:
    file.write("\\n".join(found))
os._exit(code)
"""


def paths() -> list[str]:
    """Where our packages and what they need are, without .pth files."""
    sources = [Path(package.__path__[0]).parent.parent for package in
               (rundlet.core, rundlet.cli, rundlet.net_cni)]  # fmt: skip
    site = Path(str(distribution("stevedore").locate_file("")))
    return list(dict.fromkeys(str(path.resolve()) for path in (*sources, site)))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, busybox_archive: Path) -> Rundlet:
    """A store in which the caches are warm, with a running and an ended container.

    They are its own: other commands of this machine push settings out of the common one.
    """
    from devtools.tool import Rundlet as Tool

    tool = Tool(tmp_path_factory.mktemp("imports"))
    tool.environment["RUNDLET_CACHE"] = str(tool.directory / "cache")
    tool("load", "-q", "-i", str(busybox_archive))
    tool("run", "--network", "none", "--name", "ended", "busybox", "true")
    return tool


@pytest.mark.parametrize("typed", VERBS)
def test_a_hot_verb_imports_little(store: Rundlet, typed: str, tmp_path: Path) -> None:
    store("run", "-d", "--network", "none", "--name", "c", "busybox", "sleep", "100")
    out = tmp_path / "modules"
    script = SCRIPT.format(paths=paths(), words=typed.split(), out=str(out))
    try:
        for _ in range(2):  # the first one may fill caches, of entry points and settings
            store("start", "c", check=False)
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", script],
                env=store.environment, capture_output=True, text=True, check=False,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
            if typed.startswith("rm"):
                store("run", "-d", "--network", "none", "--name", "c", "busybox", "sleep", "100")
        assert done.returncode == 0, done.stderr
    finally:
        store("rm", "-a", "-f", "-t", "0")
        store("run", "--network", "none", "--name", "ended", "busybox", "true")
    found = set(out.read_text().split("\n"))
    assert found & (FORBIDDEN - MAY.get(typed, set())) == set()


def test_the_exit_command_imports_little(store: Rundlet, tmp_path: Path) -> None:
    """What conmon starts when a container ends: many may end at once."""
    identity = store("run", "-d", "--network", "none", "busybox", "true").stdout.strip()
    words = [str(store.directory / "root"), str(store.directory / "run"), identity]
    script = (
        "import sys\n"
        f"sys.path[1:1] = {paths()!r}\n"
        f"sys.argv[1:] = {words!r}\n"
        "from rundlet.core.containers.exit_command import main\n"
        "main()\n"
        "print(*sorted(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        env=store.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    store("rm", "-f", identity)
    assert set(done.stdout.split()) & FORBIDDEN == set()


def test_versions_are_told_without_the_engine() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("rundlet"), "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout.startswith("rundlet version ")
