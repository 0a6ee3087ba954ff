"""Every command of crictl against a real server: what an operator types."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devtools.critest.kit import Node
from devtools.fixtures import needs
from devtools.registry import Registry, push
from devtools.terminal import Terminal
from devtools.tool import SCRIPTS
from devtools.waiting import until

PATIENCE = 120.0


@pytest.fixture(scope="module")
def node(nginx_layout: Path, image_layout: Path) -> Iterator[Node]:
    needs("crictl", "docker-registry", "skopeo", "crun", "conmon")
    with (
        tempfile.TemporaryDirectory(prefix="cri-") as directory,
        Registry(Path(directory) / "registry") as registry,
    ):
        push(nginx_layout, "nginx", f"{registry.host}/nginx:1")
        push(nginx_layout, "nginx", f"{registry.host}/other:1")
        push(image_layout, "busybox", f"{registry.host}/busybox:1")
        (Path(directory) / "registry-host").write_text(registry.host)
        (Path(directory) / "rundlet.toml").touch()
        running = Node(Path(directory))
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="module")
def image(node: Node) -> str:
    name = f"{(node.directory / 'registry-host').read_text()}/nginx:1"
    node.crictl("pull", name)
    return name


def written(node: Node, name: str, document: dict[str, Any]) -> Path:
    path = node.directory / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


def pod_file(node: Node, name: str) -> Path:
    document = {
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
        "log_directory": str(node.directory / "logs"),
        "linux": {"cgroup_parent": "/rundlet-crictl-tests"},
    }
    return written(node, f"pod-{name}", document)


def container_file(node: Node, image: str, name: str, *command: str) -> Path:
    document = {
        "metadata": {"name": name},
        "image": {"image": image},
        "command": list(command),
        "log_path": f"{name}.log",
        "linux": {},
    }
    return written(node, f"container-{name}", document)


@pytest.fixture
def web(node: Node, image: str) -> Iterator[tuple[str, str]]:
    """Ids of a pod with nginx, and of its container."""
    pod_config, config = pod_file(node, "web"), container_file(node, image, "web")
    pod = node.crictl("runp", pod_config).stdout.strip()
    container = node.crictl("create", pod, config, pod_config).stdout.strip()
    node.crictl("start", container)
    yield pod, container
    node.crictl("rmp", "-f", pod)


def address(node: Node, pod: str) -> str:
    status = json.loads(node.crictl("inspectp", pod).stdout)["status"]
    return str(status["network"]["ip"])


def headers(where: str) -> str:
    done = subprocess.run(
        ["curl", "-sI", "--max-time", "2", f"http://{where}/"], capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.e2e
def test_the_picture_of_the_seeds(node: Node, web: tuple[str, str]) -> None:
    """nginx by CRI: its address answers, `rundlet ps` and the OCI runtime's list show it."""
    needs("curl")
    pod, container = web
    assert "200 OK" in until(lambda: headers(address(node, pod)))
    stores = ("--root", str(node.directory / "root"), "--runroot", str(node.directory / "run"))
    shown = subprocess.run(
        [SCRIPTS / "rundlet", *stores, "ps", "--no-trunc"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert container in shown
    runtime = json.loads(node.crictl("inspect", container).stdout)["info"]["runtime"]
    listed = subprocess.run(
        [runtime, "--root", node.directory / "run/oci" / runtime, "list"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert container in listed
    assert f"{node.directory}/root/containers/{container}" in listed


@pytest.mark.e2e
def test_what_is_there_is_shown(node: Node, web: tuple[str, str], image: str) -> None:
    pod, container = web
    assert pod in node.crictl("pods", "--no-trunc").stdout
    assert container in node.crictl("ps", "--no-trunc").stdout
    assert image.rpartition(":")[0] in node.crictl("images").stdout
    assert json.loads(node.crictl("inspecti", image).stdout)["status"]["repoTags"] == [image]
    inspected = json.loads(node.crictl("inspect", container).stdout)
    assert inspected["status"]["state"] == "CONTAINER_RUNNING"
    assert inspected["info"]["runtimeSpec"]["process"]["args"][0] == "nginx"
    for words, key in (
        (("imagefsinfo",), "status"),
        (("info",), "runtimeHandlers"),
        (("stats", "-a", "-o", "json"), "stats"),
        (("statsp", "-o", "json"), "stats"),
        (("metricdescs",), "descriptors"),
        (("metricsp",), "podMetrics"),
    ):
        assert json.loads(node.crictl(*words).stdout)[key], words
    assert container[:13] in node.crictl("stats").stdout
    assert pod[:13] in node.crictl("statsp").stdout
    node.crictl("update-runtime-config", "--pod-cidr", "10.9.0.0/24")
    assert "CGROUPFS" in node.crictl("runtime-config").stdout
    assert "rundlet" in node.crictl("version").stdout


@pytest.mark.e2e
def test_commands_logs_and_limits(node: Node, web: tuple[str, str]) -> None:
    pod, container = web
    assert "nginx version" in node.crictl("exec", container, "nginx", "-v").stderr
    assert "nginx version" in node.crictl("exec", "-s", container, "nginx", "-v").stdout
    until(lambda: headers(address(node, pod)))
    follow = subprocess.Popen(
        ["crictl", "-r", node.endpoint, "logs", "-f", container], stdout=subprocess.PIPE, text=True
    )
    assert follow.stdout is not None
    assert "HEAD / HTTP" in follow.stdout.readline()
    headers(address(node, pod))
    assert "HEAD / HTTP" in follow.stdout.readline()
    follow.terminate()
    follow.wait(PATIENCE)
    node.crictl("update", "--cpu-share", "512", container)
    status = json.loads(node.crictl("inspect", container).stdout)["status"]
    assert status["resources"]["linux"]["cpuShares"] == "512"
    refused = node.crictl(
        "checkpoint", "--export", str(node.directory / "x.tar"), container, check=False
    )
    assert refused.returncode != 0
    assert "criu" in refused.stderr.lower()  # not there, too old, or not in this crun


@pytest.mark.e2e
def test_terminals(node: Node, image: str) -> None:
    """exec -it, and attach to a shell that is the container."""
    busybox = image.replace("/nginx:", "/busybox:")
    node.crictl("pull", busybox)
    config, pod_config = container_file(node, busybox, "shell", "sh"), pod_file(node, "shell")
    document = json.loads(config.read_text())
    config.write_text(json.dumps({**document, "tty": True, "stdin": True}))
    container = node.crictl("run", config, pod_config).stdout.strip()
    crictl: Any = SimpleNamespace(environment=dict(os.environ))
    words = ("crictl", "-r", node.endpoint)
    try:
        shell = Terminal(crictl, *words, "exec", "-it", container, "sh")
        shell.resize(33, 97)
        shell.until("/ # ")
        shell.type("tty; stty size; exit 5\n")
        shell.until(r"/dev/pts/\d+")
        shell.until("33 97")
        assert shell.wait() != 0
        attached = Terminal(crictl, *words, "attach", "-it", container)
        attached.type("echo $((20 + 3))\n")
        attached.until("23")
        attached.type("exit 7\n")
        attached.wait()
        until(lambda: "EXITED" in node.crictl("inspect", container).stdout)
        assert json.loads(node.crictl("inspect", container).stdout)["status"]["exitCode"] == 7
    finally:
        node.crictl("rmp", "-f", *node.crictl("pods", "-q", "--name", "shell").stdout.split())
        node.crictl("rmi", busybox)


@pytest.mark.e2e
def test_events_are_streamed(node: Node, image: str) -> None:
    watch = subprocess.Popen(
        ["crictl", "-r", node.endpoint, "events"], stdout=subprocess.PIPE, text=True
    )
    assert watch.stdout is not None
    while not select.select([watch.stdout], [], [], 1)[0]:  # it listens once it tells of one
        warm = node.crictl("runp", pod_file(node, "warm")).stdout.strip()
        node.crictl("rmp", "-f", warm)
    config, pod_config = container_file(node, image, "told"), pod_file(node, "told")
    container = node.crictl("run", config, pod_config).stdout.strip()
    node.crictl("stop", "-t", "5", container)
    node.crictl("rm", container)
    (pod,) = node.crictl("pods", "-q", "--name", "told").stdout.split()
    node.crictl("stopp", pod)
    node.crictl("rmp", pod)
    time.sleep(0.5)
    watch.terminate()
    told, _ = watch.communicate(timeout=PATIENCE)
    for kind in ("CREATED", "STARTED", "STOPPED", "DELETED"):
        assert f"CONTAINER_{kind}_EVENT" in told
    assert container in told
    assert pod in told


@pytest.mark.e2e
def test_images_come_and_go(node: Node, image: str) -> None:
    other = image.replace("/nginx:", "/other:")
    node.crictl("pull", other)
    identity = json.loads(node.crictl("inspecti", other).stdout)["status"]["id"]
    assert identity in node.crictl("images", "--no-trunc", "-q").stdout
    node.crictl("rmi", identity)
    assert not node.crictl("images", "-q").stdout
    node.crictl("pull", image)
