"""An engine on directories of the test's own, with real runc and conmon; nothing may be left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devtools.fixtures import needs
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.contracts.monitor import Streams
from rundlet.core.engine import Engine
from rundlet.core.errors import RundletError
from rundlet.core.settings.snapshot import Settings

_MONITORS = (b"conmon", b"monitor.keeper", b"containerd-shim")
_RUNTIMES = tuple(
    f"run/oci/{name}"
    for name in ("crun", "runc", "runsc", "shim-runc-v2", "shim-runc-v2.runc/rundlet")
)

Request = Callable[..., ContainerRequest]


def settings(tmp_path: Path, runtime: str = "runc", path: str = "") -> Settings:
    """path: the runtime's binary, if not the usual one."""
    return Settings(
        graph_root=str(tmp_path / "graph"),
        run_root=str(tmp_path / "run"),
        runtime=runtime,
        runtimes={runtime: {"path": path}} if path else {},
    )


@pytest.fixture
def engine(open_engine: Callable[[str], Engine]) -> Engine:
    needs("runc", "conmon")
    return open_engine("runc")


@pytest.fixture
def open_engine(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Opens an engine on a runtime; in the end all is removed, and nothing may be left."""
    made: list[Engine] = []

    def make(runtime: str, path: str = "") -> Engine:
        made.append(Engine(settings(tmp_path, runtime, path)))
        return made[-1]

    yield make
    for engine in made:
        for row in engine.containers.list():
            try:
                engine.containers.remove(row.id, force=True, volumes=True, timeout=0)
            except RundletError as error:
                pytest.fail(f"rm -f {row.name}: {error}")
        engine.close()
    deadline = time.monotonic() + 60  # a monitor ends after its exit command
    while leftovers(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert leftovers(tmp_path) == []


@pytest.fixture
def request_for(busybox_rootfs: Path) -> Request:
    """A request for a busybox container without a network."""

    def make(*command: str, **fields: object) -> ContainerRequest:
        return ContainerRequest(
            rootfs=str(busybox_rootfs), command=command, **{"network": "none", **fields}
        )

    return make


def leftovers(tmp_path: Path) -> list[str]:
    """Mounts, monitors, runtime states, run directories and cgroups below a test's directory."""
    found = [
        f"mount {line.split()[4]}"
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if str(tmp_path) in line
    ]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if any(name in words for name in _MONITORS) and str(tmp_path).encode() in words:
            found.append(f"process {process.name} {words!r}")
    directories = ("run/containers", "graph/containers", "run/netns", *_RUNTIMES)
    for directory in directories:
        path = tmp_path / directory
        if path.exists():
            found += [f"{directory}/{name}" for name in os.listdir(path)]
    return found


class Pipes:
    """A client's ends: what is given as stdin, and what came out."""

    def __init__(self, directory: Path, stdin: bytes | None = None) -> None:
        self._files = [directory / name for name in ("stdin", "stdout", "stderr")]
        self._files[0].write_bytes(stdin or b"")
        self._descriptors = [
            os.open(self._files[0], os.O_RDONLY),
            *(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC) for path in self._files[1:]),
        ]
        first = self._descriptors[0] if stdin is not None else -1
        self.streams = Streams(first, *self._descriptors[1:])

    @property
    def out(self) -> bytes:
        return self._files[1].read_bytes()

    @property
    def err(self) -> bytes:
        return self._files[2].read_bytes()

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)


@pytest.fixture
def pipes(tmp_path: Path) -> Iterator[Callable[..., Pipes]]:
    made: list[Pipes] = []

    def make(stdin: bytes | None = None) -> Pipes:
        directory = tmp_path / f"pipes{len(made)}"
        directory.mkdir()
        made.append(Pipes(directory, stdin))
        return made[-1]

    yield make
    for one in made:
        one.close()
