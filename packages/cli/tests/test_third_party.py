"""Plugins of other people's distributions: used, listed, contained when they are broken.

A distribution is a directory with a module and its metadata, found by PYTHONPATH as pip's
are by site-packages; tests/test_wheels.py installs a real wheel.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from devtools.tool import Rundlet

GREET = """
from rundlet.core.commands.declare import Arguments, Flag, Verb
VERB = Verb(name="greet", summary="Greet somebody", run="third:run",
            options=(Flag("loud", "l", help="Shout"),), arguments=Arguments(maximum=1))
def run(context, arguments):
    text = f"hello {arguments.arguments[0]}"
    context.print(text.upper() if arguments.flag("loud") else text)
    return 3
"""
DRIVER = """
from rundlet.core.hookspecs import hookimpl
from rundlet.core.storage.vfs import VfsDriver
class Third(VfsDriver):
    name = "third"
@hookimpl
def rundlet_storage_driver(name, home, options):
    return Third(home, dict(options)) if name == "third" else None
"""
HOOKS = """
from rundlet.core.hookspecs import hookimpl
@hookimpl
def rundlet_admit_image(image, action):
    return f"{image.name} is not for us" if "busybox" in image.name else None
"""


class Distributions:
    """Distributions that are installed for one store's commands."""

    def __init__(self, rundlet: Rundlet, directory: Path) -> None:
        self.rundlet = rundlet
        self.directory = directory
        rundlet.environment["PYTHONPATH"] = str(directory)

    def add(self, name: str, source: str, **entries: str) -> None:
        """A module and a distribution of that name; entries: group to "name = value"."""
        (self.directory / f"{name}.py").write_text(source)
        info = self.directory / f"{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = [f"[rundlet.{group}]\n{entry}\n" for group, entry in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))

    def listed(self, name: str) -> dict[str, Any]:
        """What `plugin ls` says of a plugin."""
        rows = json.loads(self.rundlet("plugin", "ls", "--format", "json").stdout)
        (row,) = [row for row in rows if row["Name"] == name]
        found: dict[str, Any] = row
        return found


@pytest.fixture
def others(rundlet: Rundlet, tmp_path: Path) -> Distributions:
    (tmp_path / "site").mkdir()
    return Distributions(rundlet, tmp_path / "site")


def test_a_verb(others: Distributions) -> None:
    others.add("third", GREET, commands="greet = third:VERB")
    done = others.rundlet("greet", "-l", "you", check=False)
    assert (done.returncode, done.stdout) == (3, "HELLO YOU\n")
    assert "Greet somebody" in others.rundlet("--help").stdout
    assert "--loud" in others.rundlet("greet", "--help").stdout
    assert others.rundlet("greet", "--lod", "x", check=False).returncode == 125
    assert others.listed("greet")["Distribution"] == "third"


def test_a_verb_below_a_shipped_group(others: Distributions) -> None:
    others.add("third", GREET, commands='"image.greet" = third:VERB'.replace('"', ""))
    assert others.rundlet("image", "greet", "you", check=False).stdout == "hello you\n"


def test_a_shipped_verb_is_not_taken_over(others: Distributions) -> None:
    others.add("third", GREET, commands="ps = third:VERB")
    done = others.rundlet("ps")
    assert done.stdout.startswith("CONTAINER ID")
    assert "verb 'ps' of third 1.2 is hidden by that of rundlet-cli" in done.stderr


def test_a_program_on_path(others: Distributions) -> None:
    program = others.directory / "rundlet-hello"
    program.write_text("#!/bin/sh\necho program $@\nexit 4\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    others.rundlet.environment["PATH"] += f":{others.directory}"
    done = others.rundlet("hello", "-x", "you", check=False)
    assert (done.returncode, done.stdout) == (4, "program -x you\n")
    assert "hello" in others.rundlet("--help").stdout


def test_a_storage_driver(others: Distributions, busybox_archive: Path) -> None:
    others.add("third", DRIVER, storage_drivers="third = third")
    row = others.listed("third")
    assert (row["Kind"], row["Distribution"], row["Version"]) == ("storage", "third", "1.2")
    rundlet = others.rundlet
    rundlet("--storage-driver", "third", "load", "-q", "-i", str(busybox_archive))
    assert "GraphDriverName: third" in _storage(rundlet)
    done = rundlet("run", "--rm", "--network", "none", "busybox", "echo", "from third")
    assert done.stdout == "from third\n"


def _storage(rundlet: Rundlet) -> str:
    document = json.loads(rundlet("info", "--format", "json").stdout)
    return f"GraphDriverName: {document['store']['graphDriverName']}"


def test_an_uninstalled_driver_is_named(others: Distributions, busybox_archive: Path) -> None:
    others.add("third", DRIVER, storage_drivers="third = third")
    rundlet = others.rundlet
    rundlet("--storage-driver", "third", "load", "-q", "-i", str(busybox_archive))
    del rundlet.environment["PYTHONPATH"]
    done = rundlet("run", "--rm", "--network", "none", "busybox", "true", check=False)
    assert done.returncode == 125
    assert "there is no storage driver 'third'" in done.stderr
    rundlet.environment["PYTHONPATH"] = str(others.directory)
    rundlet("run", "--rm", "--network", "none", "busybox", "true")


BROKEN = {
    "no module": ("import nosuchmodule", "No module named 'nosuchmodule'"),
    "syntax": ("def (", "SyntaxError"),
    "exit": ("raise SystemExit(7)", "SystemExit(7)"),
    "no factory": ("x = 1", "made no driver"),
    "raises": (DRIVER.replace("return Third", "raise KeyError('boom'); return Third"), "boom"),
    "another contract": (
        DRIVER.replace('name = "third"', 'name = "third"\n    contract_version = 99'),
        "is made for version 99 of the contract, not 1",
    ),
    "no driver": (
        DRIVER.replace("Third(home, dict(options))", "object()"),
        "which is no StorageDriver",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_driver_is_named_and_others_work(
    others: Distributions, busybox_archive: Path, kind: str
) -> None:
    source, why = BROKEN[kind]
    others.add("third", source, storage_drivers="third = third")
    row = others.listed("third")
    assert row["Works"] is False
    assert why in row["Reason"]
    words = ("--storage-driver", "third")
    assert others.rundlet(*words, "images", "-q").stdout == ""  # no layer is touched
    done = others.rundlet(*words, "load", "-q", "-i", str(busybox_archive), check=False)
    assert done.returncode == 125
    assert "third" in done.stderr
    assert "Traceback" not in done.stderr
    others.rundlet("load", "-q", "-i", str(busybox_archive))


NETWORK = """
from rundlet.core.contracts.probe import Probe
from rundlet.core.hookspecs import hookimpl
from rundlet.core.networks.none import NoNetwork
class Third(NoNetwork):
    name = "third"
    def attach(self, attachment):
        ANSWER
@hookimpl
def rundlet_network_plugin(name, settings):
    return Third(settings) if name == "third" else None
"""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("raise KeyError('boom')", "attach failed: KeyError('boom')"),
        ("return {'eth0': '10.0.0.2'}", "it must be AttachResult"),
        ("import time; time.sleep(600)", "attach: no answer in 0.5 s"),
    ],
)
def test_a_driver_that_breaks_while_it_is_used(
    others: Distributions, busybox_archive: Path, tmp_path: Path, answer: str, why: str
) -> None:
    others.add("third", NETWORK.replace("ANSWER", answer), network_plugins="third = third")
    timeout = 0.5 if "sleep" in answer else 60
    (tmp_path / "rundlet.toml").write_text(f"[plugins.third]\ntimeout = {timeout}\n")
    rundlet = others.rundlet
    rundlet.environment["RUNDLET_CONF"] = str(tmp_path / "rundlet.toml")
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet.environment["RUNDLET_NETWORK_PLUGIN"] = "third"
    done = rundlet("run", "--name", "it", "busybox", "true", check=False)
    assert done.returncode == 125
    assert "plugin third (third 1.2, rundlet.network_plugins): " in done.stderr
    assert why in done.stderr and "Traceback" not in done.stderr
    rundlet.environment["RUNDLET_NETWORK_PLUGIN"] = "none"
    rundlet("start", "--attach", "it")


def test_reset_goes_on_where_a_network_plugin_breaks(
    others: Distributions, busybox_archive: Path
) -> None:
    """All is gone but what the plugin alone could undo, and that is said."""
    answer = """return AttachResult()
    def detach(self, attachment, result):
        raise OSError(5, "boom")
    def collect(self, valid):
        raise KeyError("boom")
    def networks(self):
        raise KeyError("boom")"""
    source = NETWORK.replace("ANSWER", answer)
    source = f"from rundlet.core.contracts.network import AttachResult\n{source}"
    others.add("third", source, network_plugins="third = third")
    rundlet = others.rundlet
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet.environment["RUNDLET_NETWORK_PLUGIN"] = "third"
    rundlet("run", "-d", "busybox", "sleep", "300")
    pid = rundlet("inspect", "-l", "-f", "{{.State.Pid}}").stdout.strip()
    done = rundlet("system", "reset", "-f")
    assert "plugin third (third 1.2, rundlet.network_plugins): collect failed: " in done.stderr
    assert "networks failed: " in done.stderr and "Traceback" not in done.stderr
    assert not Path("/proc", pid).exists()
    left = [name for name in ("root", "run") if (rundlet.directory / name).exists()]
    assert left == []


def test_a_broken_verb_breaks_only_itself(others: Distributions) -> None:
    others.add("third", "import nosuchmodule", commands="greet = third:VERB")
    done = others.rundlet("greet", check=False)
    assert done.returncode == 125
    assert "plugin greet (third 1.2, rundlet.commands): cannot be imported" in done.stderr
    assert others.rundlet("ps").stderr == ""
    told = others.rundlet("--help")
    assert "ps" in told.stdout
    assert "skipped: plugin greet (third 1.2" in told.stderr


@pytest.mark.parametrize(
    ("body", "why"),
    [("raise KeyError('boom')", "failed: KeyError('boom')"), ("return 'x'", "no exit code")],
)
def test_a_verb_that_breaks_while_it_runs(others: Distributions, body: str, why: str) -> None:
    head = GREET.partition("    text =")[0]
    others.add("third", f"{head}    {body}\n", commands="greet = third:VERB")
    done = others.rundlet("greet", check=False)
    assert done.returncode == 125
    assert "plugin greet (third 1.2, rundlet.commands): " in done.stderr and why in done.stderr
    assert "defect of rundlet" not in done.stderr
    if "boom" in why:
        told = others.rundlet("--log-level=debug", "greet", check=False).stderr
        assert "Traceback" in told


def test_metadata_that_cannot_be_read(others: Distributions) -> None:
    others.add("third", "", commands="greet = third:VERB")
    info = others.directory / "third-1.2.dist-info"
    (info / "entry_points.txt").write_text("[rundlet.commands\nno equals sign")
    assert others.rundlet("ps").stdout.startswith("CONTAINER ID")


def test_an_admission_hook(others: Distributions, busybox_archive: Path) -> None:
    rundlet = others.rundlet
    rundlet("load", "-q", "-i", str(busybox_archive))
    others.add("third", HOOKS, hooks="policy = third")
    done = rundlet("run", "--rm", "--network", "none", "busybox", "true", check=False)
    assert done.returncode == 125
    assert "is not for us" in done.stderr
    assert rundlet("ps", "-aq").stdout == ""


def test_a_hook_that_fails_allows_nothing(others: Distributions, busybox_archive: Path) -> None:
    rundlet = others.rundlet
    rundlet("load", "-q", "-i", str(busybox_archive))
    others.add(
        "third", HOOKS.replace("return f", "raise KeyError('x'); return f"), hooks="p = third"
    )
    done = rundlet("run", "--rm", "--network", "none", "busybox", "true", check=False)
    assert done.returncode == 125
    assert "plugin p (third 1.2, rundlet.hooks)" in done.stderr


def test_a_disabled_plugin(others: Distributions, tmp_path: Path) -> None:
    others.add("third", DRIVER, storage_drivers="third = third")
    settings = tmp_path / "rundlet.toml"
    settings.write_text('disabled_plugins = ["third"]\n')
    others.rundlet.environment["RUNDLET_CONF"] = str(settings)
    row = others.listed("third")
    assert (row["Works"], row["Reason"]) == (False, "disabled by disabled_plugins")
