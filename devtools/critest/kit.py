"""critest and crictl with a server of ours: images, registry, configuration, results."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devtools.images import Layout
from devtools.registry import Registry, push

from .recipes import recipes

DIGESTED = "gcr.io/k8s-staging-cri-tools/test-image-digest"
UPSTREAM_DIGEST = "9700f9a2f5bf2c45f2f605a0bd3bce7cf37420ec9d3ed50ac2758413308766bf"
"""The one image that critest knows by its content (pkg/validate/consts.go)."""

PATIENCE = 30.0
"""Seconds that the server has to answer, and to end."""

MIRRORS = """\
[[registry]]
prefix = "{name}"
location = "{host}/{name}"
insecure = true
"""


@dataclass
class Spec:
    """One spec of critest. state: "passed", "skipped", "failed". message: why it failed."""

    name: str
    state: str
    message: str = ""


class Node:
    """A server with stores of its own below `directory`, on a socket with a short path."""

    def __init__(self, directory: Path, *words: str) -> None:
        self.directory = directory
        self.socket = directory / "s"
        self.endpoint = f"unix://{self.socket}"
        self._words = words
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = Path(sys.executable).with_name("rundlet-cri")
        stores = ("--root", self.directory / "root", "--runroot", self.directory / "run")
        alone = ("--config", "", "--config-dir", "", "--cni-default-network", "podman")
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, *alone, *stores, "serve", "--listen", self.socket, *self._words],
                env={**os.environ, "RUNDLET_CONF": str(self.directory / "rundlet.toml")},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while self.crictl("version", check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.directory / "server.log").read_text())
            time.sleep(0.1)

    def stop(self) -> None:
        """End it, with all its pods."""
        if self._process is None:
            return
        self.crictl("rmp", "--all", "--force", check=False)
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def crictl(
        self, *words: str | Path, check: bool = True, stdin: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """One crictl command on this server."""
        configuration = self.directory / "crictl.yaml"
        configuration.write_text("timeout: 30\n")
        done = subprocess.run(
            ["crictl", "--config", configuration, "--runtime-endpoint", self.endpoint, *words],
            capture_output=True,
            text=True,
            input=stdin,
            check=False,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"crictl {' '.join(map(str, words))}: {done.stderr}")
        return done


def images(directory: Path) -> str:
    """Write the images below `directory` as a layout, once; the digest of the one known by it."""
    done = directory / "digest"
    if not done.exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        layout = Layout(directory / "layout")
        digests = {
            name: layout.add(_tag(name), recipe) for name, recipe in recipes(directory).items()
        }
        done.write_text(digests[f"{DIGESTED}:latest"])
    return done.read_text()


def _tag(name: str) -> str:
    return name.replace("/", "_").replace(":", "_")


@contextmanager
def node(made: Path, directory: Path, *words: str) -> Iterator[Node]:
    """A running server whose registry.k8s.io is on loopback, with the images that are in `made`."""
    index = json.loads((made / "layout/index.json").read_text())
    tags = [one["annotations"]["org.opencontainers.image.ref.name"] for one in index["manifests"]]
    with Registry(directory / "registry") as registry:
        for tag in tags:
            *parts, version = tag.split("_")
            push(made / "layout", tag, f"{registry.host}/{'/'.join(parts)}:{version}")
        names = ("registry.k8s.io", "k8s.gcr.io", "gcr.io")
        (directory / "registries.conf").write_text(
            "".join(MIRRORS.format(name=name, host=registry.host) for name in names)
        )
        (directory / "rundlet.toml").write_text(
            f'registries_conf = "{directory / "registries.conf"}"\n'
        )
        running = Node(directory, *words)
        try:
            running.start()
            yield running
        finally:
            running.stop()


def critest(running: Node, digest: str, *words: str, seconds: int = 600) -> list[Spec]:
    """Run it; the specs in the order they were run. Raises RuntimeError when it cannot run.

    In a copy of critest the digest that only upstream's image has is that of ours.
    """
    program = running.directory / "critest"
    content = Path(shutil.which("critest") or "critest").read_bytes()
    program.write_bytes(content.replace(UPSTREAM_DIGEST.encode(), _hex(digest).encode()))
    program.chmod(0o755)
    report = running.directory / "report.json"
    options = ("--ginkgo.no-color", f"--ginkgo.json-report={report}")
    endpoints = ("--runtime-endpoint", running.endpoint, "--image-endpoint", running.endpoint)
    command = [str(program), *endpoints, *options, f"--ginkgo.timeout={seconds}s", *words]
    temporary = running.directory / "tmp"  # it leaves its logs there
    temporary.mkdir(exist_ok=True)
    with (running.directory / "critest.log").open("wb") as log:
        subprocess.run(
            command,
            stdout=log,
            stderr=log,
            check=False,
            timeout=seconds + PATIENCE,
            cwd=running.directory,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
    if not report.exists():
        raise RuntimeError((running.directory / "critest.log").read_text()[-4000:])
    (suite,) = json.loads(report.read_text())
    return [_spec(found) for found in suite["SpecReports"] if found["LeafNodeType"] == "It"]


def _hex(digest: str) -> str:
    return digest.partition(":")[2]


def _spec(found: dict[str, object]) -> Spec:
    parts = [*_words(found["ContainerHierarchyTexts"]), str(found["LeafNodeText"])]
    failure = found.get("Failure")
    message = str(failure.get("Message", "")) if isinstance(failure, dict) else ""
    state = str(found["State"])
    known = state if state in ("passed", "skipped") else "failed"
    return Spec(" ".join(parts), known, message)


def _words(found: object) -> list[str]:
    return [str(word) for word in found] if isinstance(found, list) else []
