"""What the parts of the suite share: the driver under test, and containers that it makes."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ...cgroups import container as cgroup
from ...cgroups.layout import layout
from ...containers.request import ContainerRequest, Mount
from ...contracts.monitor import MonitorJob
from ...spec.generate import SpecPlan, generate
from ...spec.host import here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...contracts.runtime import OCIRuntime, RuntimeState

_PATIENCE = 60.0  # seconds; a sandbox of runsc takes one or two, on a busy machine many


class Running:
    """A container of a test: its job, and what can be seen of it."""

    def __init__(self, driver: OCIRuntime, job: MonitorJob, spec: dict[str, Any]) -> None:
        self.driver = driver
        self.job = job
        self.id = job.id
        self.spec = spec

    def start(self) -> Running:
        """Start it."""
        self.driver.start(self.id)
        return self

    def state(self) -> RuntimeState:
        """Its state; the test fails if the runtime does not know it."""
        found = self.driver.state(self.id)
        assert found is not None, f"{self.driver.name} does not know {self.id}"
        return found

    def exit_code(self) -> int:
        """Wait for the exit file of the monitor and read it."""
        wait(lambda: _content(self.job.exit_file) != "", f"no exit file of {self.id}")
        return int(_content(self.job.exit_file))

    def wait(self, condition: Callable[[], bool], complaint: str) -> None:
        """Wait until something is so, or fail."""
        wait(condition, complaint)

    def output(self) -> str:
        """What it has written, from the log (k8s-file: time, stream, F or P, text)."""
        lines = _content(self.job.log_path).splitlines()
        parts = [line.split(" ", 3) for line in lines]
        return "".join(part[3] + ("\n" if part[2] == "F" else "") for part in parts)


def wait(condition: Callable[[], bool], complaint: str) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.02)


def _content(path: str) -> str:
    try:
        return Path(path).read_text()
    except FileNotFoundError:
        return ""


class RuntimeSuite:
    """Fixtures of the driver under test; `driver` is the author's."""

    @pytest.fixture
    def driver(self, tmp_path: Path) -> OCIRuntime:
        """The driver under test."""
        raise NotImplementedError("give a driver fixture")

    @pytest.fixture
    def rootfs(self, tmp_path: Path) -> Path:
        """A root file system with a static busybox."""
        busybox = shutil.which("busybox")
        if busybox is None:
            pytest.skip("busybox-static is not installed")
        if os.geteuid() != 0:
            pytest.skip("containers need root here")
        root = tmp_path / "rootfs"
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "run"):
            (root / name).mkdir(parents=True)
        shutil.copy(busybox, root / "bin/busybox")
        for applet in ("sh", "sleep", "cat", "id", "echo", "mount", "touch", "true"):
            (root / "bin" / applet).symlink_to("busybox")
        (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (root / "etc/plain").write_text("not a program\n")
        return root

    @pytest.fixture
    def works(self, driver: OCIRuntime) -> None:
        """Skip, saying why, where the driver says that it does not work."""
        found = driver.probe()
        if not found.works:
            pytest.skip(f"{driver.name}: {found.reason}")

    @pytest.fixture
    def create(
        self, driver: OCIRuntime, rootfs: Path, tmp_path: Path, works: None
    ) -> Iterator[Callable[..., Running]]:
        """Make a container: `create("sh", "-c", "...", memory=...)`. All are removed at the end.

        exit_command: from the job to what its monitor runs after the exit. through: what calls
        the function that creates it.
        """
        made: list[tuple[str, str]] = []
        machine = layout("cgroupfs")
        parent = f"/rundlet-suite-{os.getpid()}"

        def make(
            *command: str,
            mounts: tuple[Mount, ...] = (),
            exit_command: Callable[[MonitorJob], tuple[str, ...]] = lambda job: (),
            through: Callable[[Callable[[], object]], object] = lambda work: work(),
            **fields: Any,
        ) -> Running:
            name = f"{driver.name}{os.getpid():x}{len(made)}{time.monotonic_ns():x}"
            plan = SpecPlan(
                ContainerRequest(command=command, cgroup_parent=parent, **fields),
                name,
                str(rootfs),
                layout=machine,
                host=here(),
                hostname="suite",
                mounts=mounts,
            )
            spec = driver.adapt(generate(plan).spec).spec
            made.append((name, spec["linux"].get("cgroupsPath", "")))
            job = self.job(tmp_path, name).replace(
                terminal=bool(fields.get("terminal")),
                no_cgroup=fields.get("cgroups") == "disabled",
            )
            job = job.replace(exit_command=exit_command(job))
            (Path(job.bundle) / "config.json").write_text(json.dumps(spec))
            through(lambda: driver.monitor().create(job))
            return Running(driver, job, spec)

        yield make
        for name, path in made:
            driver.delete(name, force=True)
            wait(
                lambda path=path: not cgroup.processes(machine, path),  # type: ignore[misc]  # bool
                f"processes of {name} live on",
            )
            cgroup.remove(machine, path)
        cgroup.remove(machine, parent)

    def job(self, where: Path, name: str) -> MonitorJob:
        """A job with its directories made."""
        home = where / "containers" / name
        exits = where / "exits"
        for directory in (home / "bundle", home / "run", exits):
            directory.mkdir(parents=True, exist_ok=True)
        return MonitorJob(
            id=name,
            name=name,
            bundle=str(home / "bundle"),
            run_dir=str(home / "run"),
            exit_dir=str(exits),
            pid_file=str(home / "run/pid"),
            log_path=str(home / "ctr.log"),
        )
