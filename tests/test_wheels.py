"""Each package builds to a wheel that installs alone and works with only what it declares."""

from __future__ import annotations

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
