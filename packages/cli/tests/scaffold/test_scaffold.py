"""`rundlet plugin new`: the package passes its own tests as soon as it is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from devtools.tool import Rundlet
from rundlet.cli.scaffold.write import GROUPS, texts
from rundlet.core.errors import InvalidArgument


class Environment:
    """A virtual environment with this one's packages and every new package, editable."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        venv.create(directory / "venv", with_pip=False)
        self.python = directory / "venv/bin/python"
        site = subprocess.run(
            [self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        ours = sysconfig.get_path("purelib")
        Path(site, "outer.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
        program = Path(sys.executable).with_name("rundlet")  # uses the Python beside it
        shutil.copy(program, self.python.with_name("rundlet"))

    def package(self, kind: str) -> Path:
        return self.directory / f"rundlet-my-{kind}"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("scaffold"))
    for kind in GROUPS:
        directory = made.package(kind)
        subprocess.run(
            [made.python.with_name("rundlet"), "plugin", "new", "--kind", kind,
             "--directory", directory, f"my-{kind}"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    editable = [word for kind in GROUPS for word in ("-e", str(made.package(kind)))]
    subprocess.run(
        [made.python, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", *editable],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return made


@pytest.mark.slow
@pytest.mark.parametrize("kind", GROUPS)
def test_passes_its_own_tests(environment: Environment, kind: str) -> None:
    done = subprocess.run(
        [environment.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
         "--timeout", "100"],
        cwd=environment.package(kind), capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_is_listed(environment: Environment) -> None:
    done = subprocess.run(
        [environment.python.with_name("rundlet"), "plugin", "ls", "--format",
         "{{.Name}} {{.Distribution}} {{.Works}}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    for kind in GROUPS:
        works = "-" if kind in ("transport", "hooks", "command") else "yes"
        assert f"my-{kind} rundlet-my-{kind} {works}" in lines


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "-a", "a--b", "a_b", "1a", "a\n"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid plugin name"):
        texts(name, "storage")


def test_what_is_there_is_left_alone(rundlet: Rundlet, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    words = ("plugin", "new", "--directory", str(there), "mine")
    done = rundlet(*words, check=False)
    assert (done.returncode, "--kind is needed" in done.stderr) == (125, True)
    done = rundlet(*words, "--kind", "storage", check=False)
    assert (done.returncode, "exists already" in done.stderr) == (125, True)
    done = rundlet("plugin", "new", "--kind", "storage", "vfs", check=False)
    assert "there is a storage plugin 'vfs' already, of rundlet-core" in done.stderr
    assert list(there.iterdir()) == []
