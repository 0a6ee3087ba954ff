"""The examples of the document that the project comes from, as a user types them."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from devtools.registry import Registry, free_port, push
from devtools.terminal import Terminal
from devtools.tool import Rundlet

pytestmark = pytest.mark.e2e


def test_run_it_on_a_pty_that_is_resized(rundlet: Rundlet, registry: Registry) -> None:
    image = f"{registry.host}/busybox"
    terminal = Terminal(rundlet, "rundlet", "run", "-it", "--network", "none", image, "sh")
    terminal.resize(33, 97)
    terminal.until(r"/ # ")
    terminal.type("tty\n")
    terminal.until(r"/dev/(console|pts/\d+)")
    terminal.resize(41, 103)
    terminal.type("until test \"$(stty size)\" = '41 103'; do sleep 0.1; done; echo re''sized\n")
    terminal.until(r"resized")
    terminal.type("exit 5\n")
    assert terminal.wait() == 5


def test_ps_shows_exited_127_and_a_generated_name(rundlet: Rundlet, registry: Registry) -> None:
    image = f"{registry.host}/busybox"
    result = rundlet("run", "--network", "none", image, "sh", "-c", "nosuch", check=False)
    assert result.returncode == 127
    heading, line = rundlet("ps", "-a").stdout.splitlines()
    assert heading.split() == [
        "CONTAINER",
        "ID",
        "IMAGE",
        "COMMAND",
        "CREATED",
        "STATUS",
        "PORTS",
        "NAMES",
    ]
    assert f"{image}:latest" in line and "Exited (127) " in line
    assert re.search(r" [a-z]+_[a-z]+$", line)


def test_nginx_on_a_published_port(
    rundlet: Rundlet, registry: Registry, nginx_layout: Path
) -> None:
    image = f"{registry.host}/nginx"
    push(nginx_layout, "nginx", f"{image}:latest")
    port = str(free_port())
    rundlet("pull", image)
    terminal = Terminal(rundlet, "rundlet", "run", "-t", "--name", "web", "-p", f"{port}:80", image)
    try:
        answer = curl(port)
        assert answer.startswith("HTTP/1.1 200 OK\nServer: nginx/")
        terminal.until(r'"HEAD / HTTP/1\.1" 200')
        assert f"0.0.0.0:{port}->80/tcp" in rundlet("ps").stdout
        tree = subprocess.run(["ps", "axwwo", "args"], capture_output=True, text=True, check=True)
        assert re.search(rf"conmon --api-version 1 .*{rundlet.directory}", tree.stdout)
    finally:
        rundlet("stop", "-t", "5", "web", check=False)
        terminal.wait()


def curl(port: str) -> str:
    """The head of the page, once the server listens."""
    deadline = time.monotonic() + 60
    words = ["curl", "-sSI", f"http://127.0.0.1:{port}/"]
    while True:
        result = subprocess.run(words, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            return result.stdout
        assert time.monotonic() < deadline, result.stderr
        time.sleep(0.1)


@pytest.mark.parametrize("runtime", ["crun", "runc", "runsc"])
def test_each_runtime_prints_from_a_container(
    rundlet: Rundlet, registry: Registry, runtime: str
) -> None:
    image = f"{registry.host}/busybox"
    words = ("run", "--rm", "--network", "none", "--runtime", runtime, image, "echo", "from inside")
    assert rundlet(*words).stdout == "from inside\n"


def test_a_node_default_switches_all(rundlet: Rundlet, registry: Registry, tmp_path: Path) -> None:
    image = f"{registry.host}/busybox"
    rundlet("create", "--name", "before", "--network", "none", "--pull", "always", image, "true")
    toml = tmp_path / "rundlet.toml"
    rundlet.environment["RUNDLET_CONF"] = str(toml)
    for runtime in ("runc", "crun"):
        toml.write_text(f'runtime = "{runtime}"\n')
        rundlet("create", "--name", f"by-{runtime}", "--network", "none", image, "true")
        shown = rundlet("inspect", "--format", "{{.OCIRuntime}}", f"by-{runtime}").stdout
        assert shown == f"{runtime}\n"
    toml.write_text("runtime = 3\n")
    result = rundlet("ps", check=False)
    assert result.returncode == 125 and f"{toml}: runtime" in result.stderr


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nodejs_installed_by_buildah_and_run(rundlet: Rundlet, debian_layout: Path) -> None:
    """apt is told what this machine's apt is told: where packages come from, and by what keys."""

    def build(*words: str) -> str:
        done = subprocess.run(
            ["rundlet-build", *words], env=rundlet.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr}"
        return done.stdout

    build("pull", "-q", f"oci:{debian_layout}:debian")
    volumes = [f"-v={path}:{path}:ro" for path in ("/etc/apt", "/usr/share/keyrings")]
    assert build("from", *volumes, "debian") == "debian-working-container\n"
    line = build("containers").splitlines()[-1]
    assert line.split()[1] == "*" and line.endswith(" debian-working-container")
    build("run", "debian-working-container", "--", "apt-get", "-q", "update")
    build("run", "debian-working-container", "--", "apt-get", "-y", "install", "nodejs")
    version = build("run", "debian-working-container", "node", "--version")
    assert re.fullmatch(r"v\d+\.\d+\.\d+\n", version)
    image = build("commit", "-q", "debian-working-container", "mynode").strip()
    build("rm", "debian-working-container")
    ran = rundlet("run", "--rm", "--network", "none", "mynode", "node", "-p", "process.version")
    assert ran.stdout == version
    assert rundlet("images", "-q", "--no-trunc", "mynode").stdout.strip() == f"sha256:{image}"
