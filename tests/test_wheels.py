"""Each package builds to a wheel that installs alone and works with only what it declares."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent.parent / "packages"
CHECKS: dict[str, list[list[str]]] = {
    "core": [
        ["python", "-c", "from rundlet.core import Engine; Engine(root='R', runroot='r').close()"]
    ],
    "cli": [["rundlet", "--version"], ["rundlet", "--root", "R", "--runroot", "r", "ps", "-a"]],
    "skopeo": [["rundlet-skopeo", "--version"], ["rundlet-skopeo", "copy", "--help"]],
    "build": [
        ["rundlet-build", "version"],
        ["rundlet-build", "--root", "R", "--runroot", "r", "images"],
    ],
    "cri": [["rundlet-cri", "version"], ["rundlet-cri", "--root", "R", "--runroot", "r", "status"]],
    "net-cni": [["python", "-c", "import rundlet.net_cni.plugin"]],
}
FORBIDDEN = {
    "skopeo": ("rundlet-cli", "rundlet-net-cni", "grpcio"),
    "cli": ("rundlet-cri", "grpcio"),
    "core": ("rundlet-cli", "rundlet-net-cni", "grpcio"),
}


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All six wheels, built from this checkout."""
    directory = tmp_path_factory.mktemp("wheels")
    for package in CHECKS:
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory,
             PACKAGES / package],
            check=True, capture_output=True,
        )  # fmt: skip
    return directory


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("package", CHECKS)
def test_installs_alone_and_works(package: str, wheels: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    binaries = environment / "bin"
    subprocess.run(
        [binaries / "pip", "install", "--quiet", "--find-links", wheels, f"rundlet-{package}"],
        check=True,
    )
    for words in CHECKS[package]:
        result = subprocess.run(
            [binaries / words[0], *words[1:]],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
    installed = subprocess.run(
        [binaries / "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    ).stdout.lower()
    for name in FORBIDDEN.get(package, ()):
        assert f"{name}==" not in installed


@pytest.mark.parametrize("package", CHECKS)
def test_wheel_holds_only_its_own_room(package: str, wheels: Path) -> None:
    module = package.replace("-", "_")
    (wheel,) = wheels.glob(f"rundlet_{module}-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    code = [name for name in names if name.startswith("rundlet/")]
    assert all(name.startswith(f"rundlet/{module}/") for name in code), "namespace has no __init__"
    assert f"rundlet/{module}/py.typed" in code
    assert not [name for name in names if name.endswith(".pth")]


THIRD = {
    "pyproject.toml": """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "rundlet-third"
version = "1.2"
dependencies = ["rundlet-core"]
[project.entry-points."rundlet.storage_drivers"]
third = "rundlet_third"
[project.entry-points."rundlet.commands"]
greet = "rundlet_third:VERB"
[tool.hatch.build.targets.wheel]
include = ["rundlet_third.py"]
""",
    "rundlet_third.py": """
from rundlet.core.commands.declare import Arguments, Verb
from rundlet.core.hookspecs import hookimpl
from rundlet.core.storage.vfs import VfsDriver

class Third(VfsDriver):
    name = "third"

@hookimpl
def rundlet_storage_driver(name, home, options):
    return Third(home, dict(options)) if name == "third" else None

VERB = Verb(name="greet", summary="Greet", run="rundlet_third:greet", arguments=Arguments())

def greet(context, arguments):
    context.print(f"hello {arguments.arguments[0]}")
    return 0
""",
}


@pytest.mark.e2e
@pytest.mark.slow
def test_a_wheel_of_somebody_else(wheels: Path, busybox_archive: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, text in THIRD.items():
        (source / name).write_text(text)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path]
    subprocess.run([*build, source], check=True, capture_output=True)
    binaries = tmp_path / "venv" / "bin"
    venv.create(binaries.parent, with_pip=True)
    pip = [binaries / "pip", "install", "--quiet", "--find-links", wheels]
    subprocess.run([*pip, "--find-links", tmp_path, "rundlet-cli", "rundlet-third"], check=True)

    def rundlet(*words: str) -> str:
        roots = ["--root", str(tmp_path / "root"), "--runroot", str(tmp_path / "run")]
        return subprocess.run(
            [binaries / "rundlet", *roots, *words], capture_output=True, text=True, check=True
        ).stdout

    try:
        listed = json.loads(rundlet("plugin", "ls", "--format", "json"))
        (row,) = [row for row in listed if row["Name"] == "third"]
        assert (row["Kind"], row["Distribution"]) == ("storage", "rundlet-third")
        assert (row["Version"], row["Works"]) == ("1.2", True)
        assert rundlet("greet", "you") == "hello you\n"
        rundlet("--storage-driver", "third", "load", "-q", "-i", str(busybox_archive))
        words = ("run", "--rm", "--network", "none", "busybox", "echo", "from a wheel")
        assert rundlet(*words) == "from a wheel\n"
    finally:
        rundlet("system", "reset", "--force")
