"""Each package builds to a wheel that installs alone and works with only what it declares."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from devtools.fixtures import needs

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
MISSING = {"cli": ["build .", "image build .", "manifest create x"]}
"""Verbs that other packages bring: the message names these."""
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
@pytest.mark.timeout(900)  # pip downloads
@pytest.mark.parametrize("package", CHECKS)
def test_installs_alone_and_works(package: str, wheels: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    binaries = environment / "bin"
    subprocess.run(
        [binaries / "pip", "install", "--quiet", "--find-links", wheels, f"rundlet-{package}"],
        check=True,
    )
    for path in environment.glob("lib/**/*"):  # what has just come is not kept yet
        os.utime(path, (path.stat().st_mtime - 1000,) * 2)
    for words in CHECKS[package]:
        result = subprocess.run(
            [binaries / words[0], *words[1:]],
            capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
    elsewhere = tmp_path / "rundlet-build"  # of another environment
    elsewhere.write_text("#!/bin/sh\n")
    elsewhere.chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for line in MISSING.get(package, ()):
        words = [binaries / "rundlet", *line.split()]
        result = subprocess.run(words, capture_output=True, text=True, check=False, env=path)
        said = "pip install rundlet-build" in result.stderr
        assert (result.returncode, said) == (125, True), result
    for kept in environment.glob("lib/python3*/site-packages/rundlet/*/kept/main"):
        assert kept.stat().st_size > 10_000, "what the commands imported is not kept"
    installed = subprocess.run(
        [binaries / "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    ).stdout.lower()
    for name in FORBIDDEN.get(package, ()):
        assert f"{name}==" not in installed
    ours = {f"rundlet-{package}", "rundlet-core"}
    subprocess.run([binaries / "pip", "uninstall", "--quiet", "--yes", *ours], check=True)
    left = environment.glob("lib/python3*/site-packages/rundlet*/**/*")
    assert not list(left)


@pytest.mark.parametrize("package", CHECKS)
def test_wheel_holds_only_its_own_room(package: str, wheels: Path) -> None:
    module = package.replace("-", "_")
    (wheel,) = wheels.glob(f"rundlet_{module}-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    code = [name for name in names if name.startswith("rundlet/")]
    assert all(name.startswith(f"rundlet/{module}/") for name in code), "namespace has no __init__"
    assert f"rundlet/{module}/py.typed" in code
    assert not [name for name in names if name.endswith(".pth")]
    assert [name for name in names if name.endswith("/licenses/LICENSE")]


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


# What kubelet does, in the environment of the wheels: a container, and what is mounted as its root.
CRI = """
import sys
import grpc
from rundlet.cri.proto import api_pb2 as cri

channel = grpc.insecure_channel(f"unix:{sys.argv[1]}")
grpc.channel_ready_future(channel).result(timeout=120)

def call(rpc, request, answer, service="RuntimeService"):
    send = channel.unary_unary(f"/runtime.v1.{service}/{rpc}",
        request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString)
    return send(request, timeout=120)

none = cri.LinuxSandboxSecurityContext(namespace_options=cri.NamespaceOption(network=cri.NODE))
pod_config = cri.PodSandboxConfig(
    metadata=cri.PodSandboxMetadata(name="pod", uid="u", namespace="default"),
    linux=cri.LinuxPodSandboxConfig(security_context=none))
pod = call("RunPodSandbox", cri.RunPodSandboxRequest(config=pod_config),
           cri.RunPodSandboxResponse).pod_sandbox_id
try:
    container = call("CreateContainer", cri.CreateContainerRequest(
        pod_sandbox_id=pod, sandbox_config=pod_config, config=cri.ContainerConfig(
            metadata=cri.ContainerMetadata(name="it"), image=cri.ImageSpec(image="busybox"),
            command=["sleep", "1000"])), cri.CreateContainerResponse).container_id
    call("StartContainer", cri.StartContainerRequest(container_id=container),
         cri.StartContainerResponse)
    print(call("ExecSync", cri.ExecSyncRequest(container_id=container, cmd=["cat", "/proc/mounts"]),
               cri.ExecSyncResponse).stdout.decode())
finally:
    call("RemovePodSandbox", cri.RemovePodSandboxRequest(pod_sandbox_id=pod),
         cri.RemovePodSandboxResponse)
"""


class Installed:
    """A fresh virtual environment with some wheels and what they declare, and a store for it."""

    def __init__(self, directory: Path, wheels: Path, *names: str) -> None:
        self.directory = directory
        self.wheels = wheels
        self.bin = directory / "venv" / "bin"
        venv.create(self.bin.parent, with_pip=True)
        self.install(*names)

    def install(self, *names: str) -> None:
        places = [f"--find-links={place}" for place in (self.wheels, self.directory)]
        subprocess.run([self.bin / "pip", "install", "--quiet", *places, *names], check=True)

    @property
    def roots(self) -> list[str]:
        return ["--root", f"{self.directory}/root", "--runroot", f"{self.directory}/run"]

    def rundlet(self, *words: str) -> str:
        return subprocess.run(
            [self.bin / "rundlet", *self.roots, *words], capture_output=True, text=True, check=True
        ).stdout

    def plugin(self, name: str) -> dict[str, object]:
        """What `plugin ls` says of one."""
        listed = json.loads(self.rundlet("plugin", "ls", "--format", "json"))
        (row,) = [row for row in listed if row["Name"] == name]
        return dict(row)


def build_wheel(source: Path, directory: Path) -> None:
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", directory]
    subprocess.run([*words, source], check=True, capture_output=True)


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(900)  # pip downloads
def test_a_wheel_of_somebody_else(wheels: Path, busybox_archive: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, text in THIRD.items():
        (source / name).write_text(text)
    build_wheel(source, tmp_path)
    tool = Installed(tmp_path, wheels, "rundlet-cli", "rundlet-third")
    try:
        row = tool.plugin("third")
        assert (row["Kind"], row["Distribution"]) == ("storage", "rundlet-third")
        assert (row["Version"], row["Works"]) == ("1.2", True)
        assert tool.rundlet("greet", "you") == "hello you\n"
        tool.rundlet("--storage-driver", "third", "load", "-q", "-i", str(busybox_archive))
        words = ("run", "--rm", "--network", "none", "busybox", "echo", "from a wheel")
        assert tool.rundlet(*words) == "from a wheel\n"
    finally:
        tool.rundlet("system", "reset", "--force")


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(900)  # pip downloads
def test_an_example_works_for_every_tool(
    wheels: Path, busybox_archive: Path, tmp_path: Path
) -> None:
    """rundlet-cli and the wheel of an example, then rundlet-cri beside them: nothing else."""
    build_wheel(PACKAGES.parent / "examples/fuse-overlayfs", tmp_path)
    tool = Installed(tmp_path, wheels, "rundlet-cli", "rundlet-fuse-overlayfs")
    root = "fuse-overlayfs / fuse.fuse-overlayfs "
    try:
        row = tool.plugin("fuse-overlayfs")
        assert (row["Distribution"], row["Works"]) == ("rundlet-fuse-overlayfs", True)
        driver = ("--storage-driver", "fuse-overlayfs")
        tool.rundlet(*driver, "load", "-q", "-i", str(busybox_archive))
        words = ("run", "--rm", "--network", "none", "busybox", "cat", "/proc/mounts")
        assert tool.rundlet(*driver, *words).startswith(root)
        tool.install("rundlet-cri")
        socket = tmp_path / "s"
        server = subprocess.Popen(
            [tool.bin / "rundlet-cri", *tool.roots, *driver, "serve", "--listen", socket]
        )
        try:
            mounts = subprocess.run(
                [tool.bin / "python", "-c", CRI, socket],
                capture_output=True,
                text=True,
                check=False,
            )
            assert mounts.stdout.startswith(root), mounts.stderr
        finally:
            server.terminate()
            server.wait()
    finally:
        tool.rundlet("system", "reset", "--force")


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(900)  # pip downloads
def test_the_tutorial(wheels: Path, tmp_path: Path) -> None:
    """docs/plugins.md, from nothing to a container on the new driver's wheel, in fresh
    environments: all that is of ours are wheels."""
    needs("runc", "conmon")
    page = PACKAGES.parent / "docs/plugins.md"
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S))
    assert "runtime try" in commands
    tool = Installed(tmp_path, wheels, "rundlet-cli")
    done = subprocess.run(
        ["sh", "-ec", commands], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={
            **os.environ,
            "PATH": f"{tool.bin}:{os.environ['PATH']}",
            "PIP_FIND_LINKS": str(wheels),
            "RUNDLET_GRAPH_ROOT": str(tmp_path / "root"),
            "RUNDLET_RUN_ROOT": str(tmp_path / "run"),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nfrom a container\n" in done.stdout
    assert done.stdout.endswith("\nfrom a wheel\n")
