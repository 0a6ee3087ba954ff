"""`rundlet runtime ls`, `set-default`, `try`, `benchmark`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devtools.fixtures import needs
from devtools.tool import Rundlet


@pytest.fixture
def settings(rundlet: Rundlet, tmp_path: Path) -> Path:
    """The settings of these commands only."""
    path = tmp_path / "rundlet.toml"
    path.write_text('# ours\npull_policy = "never"\n[runtimes.second]\nkind = "runc"\n')
    rundlet.environment["RUNDLET_CONF"] = str(path)
    return path


def test_listed_with_features(rundlet: Rundlet, settings: Path) -> None:
    needs("runc")
    rows = json.loads(rundlet("runtime", "ls", "--format", "json").stdout)
    by_name = {row["Name"]: row for row in rows}
    assert {"crun", "runc", "runsc", "second"} <= set(by_name)
    assert by_name["runc"]["Works"] is True
    assert by_name["runc"]["Version"].startswith("runc")
    assert by_name["runc"]["Features"]["pause"] is True
    assert by_name["second"]["Version"] == by_name["runc"]["Version"]
    assert [row["Default"] for row in rows].count(True) == 1
    table = rundlet("runtime", "ls").stdout.splitlines()
    assert table[0].split() == ["NAME", "DEFAULT", "WORKS", "VERSION", "FEATURES", "REASON"]


def test_the_default_changes_for_new_containers(
    rundlet: Rundlet, settings: Path, busybox_archive: Path
) -> None:
    needs("runc")
    rundlet("load", "-q", "-i", str(busybox_archive))
    create = ("create", "--network", "none", "--name")
    rundlet("runtime", "set-default", "runc")
    rundlet(*create, "old", "busybox", "true")
    done = rundlet("runtime", "set-default", "second")
    assert done.stdout == f"{settings}\n"
    rundlet(*create, "new", "busybox", "true")
    shown = rundlet("inspect", "--format", "{{.OCIRuntime}}", "old", "new").stdout
    assert shown == "runc\nsecond\n"
    for name in ("old", "new"):
        rundlet("start", "--attach", name)
    assert settings.read_text().splitlines()[:3] == [
        'runtime = "second"', "# ours", 'pull_policy = "never"'
    ]  # fmt: skip


def test_a_default_that_cannot_be(rundlet: Rundlet, settings: Path) -> None:
    before = settings.read_text()
    done = rundlet("runtime", "set-default", "nope", check=False)
    assert (done.returncode, "there is no runtime driver 'nope'" in done.stderr) == (125, True)
    settings.write_text(before + '[runtimes.gone]\nkind = "runc"\npath = "/nowhere/runc"\n')
    done = rundlet("runtime", "set-default", "gone", check=False)
    assert done.returncode == 125
    assert "gone does not work here" in done.stderr
    rundlet.environment["RUNDLET_RUNTIME"] = "crun"
    done = rundlet("runtime", "set-default", "runc", check=False)
    assert "RUNDLET_RUNTIME=crun would have the last word" in done.stderr
    assert "runtime =" not in settings.read_text()


def test_trying_a_runtime(rundlet: Rundlet, settings: Path) -> None:
    needs("runc")
    done = rundlet("runtime", "try", "runc", "--", "sh", "-c", "echo in $$; exit 3", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "in 1\n", "")
    assert rundlet("ps", "-aq").stdout == ""
    done = rundlet("runtime", "try", "nope", "--", "true", check=False)
    assert done.returncode == 125


def test_trying_with_an_image(rundlet: Rundlet, settings: Path, busybox_archive: Path) -> None:
    needs("runc")
    rundlet("load", "-q", "-i", str(busybox_archive))
    done = rundlet("runtime", "try", "--image", "busybox", "runc", "--", "echo", "hello")
    assert done.stdout == "hello\n"


def test_benchmark(rundlet: Rundlet, settings: Path) -> None:
    needs("crun", "runc")
    words = ("runtime", "benchmark", "--count", "2")
    rows = json.loads(rundlet(*words, "--format", "json", "crun", "second").stdout)
    assert [(row["Name"], row["Count"]) for row in rows] == [("crun", 2), ("second", 2)]
    for row in rows:
        assert 0 < row["StartSeconds"] < 60 and 0 < row["RemoveSeconds"] < 60
        assert 100_000 < row["MemoryBytes"] < 100_000_000  # conmon and `sleep`
    shown = rundlet(*words, "crun").stdout
    assert shown.startswith("NAME        START       ")
    assert "start latency\n  crun  ████" in shown and "memory\n  crun  ████" in shown
    done = rundlet(*words, "crun", "nope", check=False)
    assert (done.returncode, "nope does not work here" in done.stderr) == (125, True)
    assert rundlet("ps", "-aq").stdout == ""
