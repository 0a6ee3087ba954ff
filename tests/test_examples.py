"""The example plugins pass their own tests, and work as wheels beside rundlet."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from devtools.served import served
from devtools.tool import Rundlet

EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_passes_its_own_tests(name: str) -> None:
    directory = EXAMPLES / name
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
         "--rootdir", directory, "--import-mode=importlib", directory / "tests"],
        env={**os.environ, "PYTHONPATH": str(directory / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=directory, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def site(rundlet: Rundlet, tmp_path: Path) -> Path:
    """A directory of distributions that the commands of this store see."""
    directory = tmp_path / "site"
    directory.mkdir()
    rundlet.environment["PYTHONPATH"] = str(directory)
    return directory


def install(name: str, site: Path) -> None:
    """Build the wheel of an example, and unpack it as pip would."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", site,
         EXAMPLES / name],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = site.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    wheel.unlink()


def test_admission(rundlet: Rundlet, site: Path, busybox_archive: Path) -> None:
    install("admission", site)
    listed = rundlet("plugin", "ls", "--filter", "name=admission", "--format", "{{.Distribution}}")
    assert listed.stdout == "rundlet-admission\n"
    rundlet("load", "-q", "-i", str(busybox_archive))
    run = ("run", "--rm", "--network", "none", "busybox", "echo", "allowed")
    rundlet.environment["RUNDLET_ADMISSION_DAYS"] = "1e9"
    assert rundlet(*run).stdout == "allowed\n"
    rundlet.environment["RUNDLET_ADMISSION_DAYS"] = "-1"
    done = rundlet(*run, check=False)
    assert done.returncode == 125
    assert "-1 are allowed" in done.stderr
    said = rundlet("policy", "test", "busybox", check=False)
    assert said.returncode == 1
    assert "days old" in said.stdout


def test_web(rundlet: Rundlet, site: Path, image_layout: Path, tmp_path: Path) -> None:
    install("web", site)
    skopeo = [str(Path(sys.executable).with_name("rundlet-skopeo")), "copy", "-q"]
    offered, copied = tmp_path / "served", tmp_path / "copied"
    with served(tmp_path) as url:
        source = f"web:{url}/served"
        for words in ([f"oci:{image_layout}:busybox", f"dir:{offered}"], [source, f"dir:{copied}"]):
            subprocess.run([*skopeo, *words], env=rundlet.environment, check=True)
    assert sorted(path.name for path in copied.iterdir()) == sorted(
        path.name for path in offered.iterdir()
    )
    assert (copied / "manifest.json").read_bytes() == (offered / "manifest.json").read_bytes()


def test_fuse_overlayfs(rundlet: Rundlet, site: Path, busybox_archive: Path) -> None:
    install("fuse-overlayfs", site)
    rundlet("plugin", "check", "fuse-overlayfs")
    rundlet.environment["RUNDLET_STORAGE_DRIVER"] = "fuse-overlayfs"
    rundlet("load", "-q", "-i", str(busybox_archive))
    script = "grep ' / ' /proc/mounts; echo changed > /made; rm /bin/ls"
    words = ("run", "--name", "it", "--network", "none", "busybox", "sh", "-c", script)
    assert rundlet(*words).stdout.startswith("fuse-overlayfs / fuse.fuse-overlayfs ")
    assert {"D /bin/ls", "A /made"} <= set(rundlet("diff", "it").stdout.splitlines())
    rundlet("commit", "-q", "it", "changed")
    again = rundlet("run", "--rm", "--network", "none", "changed", "cat", "/made")
    assert again.stdout == "changed\n"


def test_netavark(rundlet: Rundlet, site: Path, busybox_archive: Path) -> None:
    install("netavark", site)
    rundlet("plugin", "check", "netavark")
    rundlet.environment["RUNDLET_NETWORK_PLUGIN"] = "netavark"
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("network", "create", "blue")
    try:
        script = "echo from netavark > /index.html; httpd -h /; exec sleep 1000"
        words = ("run", "-d", "--name", "web", "--network", "blue", "-p", "80", "busybox")
        rundlet(*words, "sh", "-c", script)
        port = rundlet("port", "web", "80").stdout.rpartition(":")[2].strip()
        fetch = "until wget -q -O - http://web.dns.podman; do sleep 0.1; done"
        inside = rundlet("run", "--rm", "--network", "blue", "busybox", "sh", "-c", fetch)
        assert inside.stdout == "from netavark\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=60) as answer:
            assert answer.read() == b"from netavark\n"
    finally:
        rundlet("rm", "-f", "-t", "0", "web")
        rundlet("network", "rm", "blue")
