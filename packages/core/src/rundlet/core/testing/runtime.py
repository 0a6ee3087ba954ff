"""The contract suite of OCI runtimes: real containers, born by the driver's own monitor.

    class TestMine(OCIRuntimeContract):
        @pytest.fixture
        def driver(self, tmp_path):
            return Mine(RuntimeConfig(root=tmp_path / "runtime"))

Needs root and a static busybox. Names in capitals are clauses of contracts/runtime.py; those of
its monitor are in testing/monitor.py.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..cgroups import container as cgroup
from ..cgroups.layout import layout
from ..containers.request import ContainerRequest, Mount, Resources
from ..contracts.monitor import MonitorJob
from ..errors import (
    CommandNotExecutable,
    CommandNotFound,
    NotFound,
    NotSupported,
    RundletError,
    WrongState,
)
from ..spec.generate import SpecPlan, generate
from ..spec.host import here
from .monitor import MonitorContract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..contracts.runtime import OCIRuntime, RuntimeState

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


class OCIRuntimeContract(MonitorContract):
    """Subclass it and give a `driver` fixture.

    prints: what the program's version begins with; "" for the driver's name.
    """

    prints = ""

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

    # --- the life of a container

    def test_output_and_exit_code(self, create: Callable[..., Running]) -> None:
        """RUNTIME-RUN: what the command prints and returns comes out."""
        box = create("sh", "-c", "echo out; echo err >&2; exit 7").start()
        assert box.exit_code() == 7
        wait(lambda: "out" in box.output() and "err" in box.output(), "the output is lost")

    def test_state_is_derived(self, driver: OCIRuntime, create: Callable[..., Running]) -> None:
        """RUNTIME-STATE-DERIVED."""
        assert driver.state("nobody") is None
        box = create("sleep", "100")
        assert box.state().status == "created"
        assert box.state().pid > 0
        assert box.state().bundle == box.job.bundle
        box.start()
        assert box.state().status == "running"
        driver.kill(box.id, 9)
        assert box.exit_code() == 128 + 9
        wait(lambda: box.state().status == "stopped", "it never is stopped")
        driver.delete(box.id)
        assert driver.state(box.id) is None

    def test_containers_are_listed(
        self, driver: OCIRuntime, create: Callable[..., Running]
    ) -> None:
        """RUNTIME-LISTS: `containers` knows all, and is empty without any."""
        assert driver.containers() == ()
        first, second = create("sleep", "100"), create("sleep", "100")
        assert sorted(state.id for state in driver.containers()) == sorted((first.id, second.id))

    @pytest.mark.parametrize("when", ["created", "running", "paused", "stopped", "unknown"])
    def test_delete_wins(
        self, driver: OCIRuntime, create: Callable[..., Running], when: str
    ) -> None:
        """RUNTIME-DELETE-WINS."""
        if when == "unknown":
            driver.delete("nobody", force=True)
            return
        if when == "paused" and not driver.features().pause:
            pytest.skip(f"{driver.name} cannot pause")
        box = create("sleep", "100")
        if when != "created":
            box.start()
        if when == "paused":
            driver.pause(box.id)
        if when == "stopped":
            driver.kill(box.id, 9)
            box.exit_code()
        driver.delete(box.id, force=True)
        assert driver.state(box.id) is None
        driver.delete(box.id, force=True)

    def test_a_running_container_is_not_deleted_without_force(
        self, driver: OCIRuntime, create: Callable[..., Running]
    ) -> None:
        """RUNTIME-DELETE-REFUSED: a plain `delete` of what runs is refused, and harms nothing."""
        box = create("sleep", "100").start()
        with pytest.raises(RundletError):
            driver.delete(box.id)
        assert box.state().status == "running"

    def test_signals_arrive(self, driver: OCIRuntime, create: Callable[..., Running]) -> None:
        """RUNTIME-SIGNALS: `kill` sends the signal that was asked for."""
        script = "trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done"
        box = create("sh", "-c", script).start()
        wait(lambda: "ready" in box.output(), "it never is ready")
        driver.kill(box.id, 10)
        assert box.exit_code() == 5

    def test_killing_the_dead(self, driver: OCIRuntime, create: Callable[..., Running]) -> None:
        """RUNTIME-KILL-DEAD."""
        box = create("true").start()
        box.exit_code()
        wait(lambda: box.state().status == "stopped", "it never is stopped")
        with pytest.raises(WrongState) as caught:
            driver.kill(box.id, 15)
        assert box.id in str(caught.value)

    def test_unknown_containers_are_named(self, driver: OCIRuntime, works: None) -> None:
        """RUNTIME-UNKNOWN: commands on an unknown container say so."""
        with pytest.raises(NotFound, match="nobody"):
            driver.start("nobody")
        with pytest.raises(NotFound, match="nobody"):
            driver.kill("nobody", 9)
        with pytest.raises(NotFound, match="nobody"):
            driver.delete("nobody")

    @pytest.mark.parametrize(
        ("command", "error"),
        [
            ("/bin/missing", CommandNotFound),
            ("missing", CommandNotFound),
            ("/etc/plain", CommandNotExecutable),
            ("/etc", CommandNotExecutable),
        ],
    )
    def test_commands_that_cannot_run(
        self, create: Callable[..., Running], command: str, error: type[RundletError]
    ) -> None:
        """RUNTIME-126-127; the message is the runtime's own (RUNTIME-WORDS)."""
        with pytest.raises(error) as caught:
            create(command).start()
        text = str(caught.value)
        decorated = any(sign in text for sign in ("level=", "time=", '"msg"', "{"))
        assert not decorated, f"RUNTIME-WORDS: {text}"

    @pytest.mark.optional
    def test_pause_and_resume(self, driver: OCIRuntime, create: Callable[..., Running]) -> None:
        """RUNTIME-PAUSE: where `features` says so."""
        if not driver.features().pause:
            pytest.skip(f"{driver.name} cannot pause")
        box = create("sleep", "100").start()
        driver.pause(box.id)
        assert box.state().status == "paused"
        driver.resume(box.id)
        assert box.state().status == "running"

    @pytest.mark.optional
    def test_update(self, driver: OCIRuntime, create: Callable[..., Running]) -> None:
        """RUNTIME-UPDATE: where `features` says so; else NotSupported."""
        box = create("sleep", "100").start()
        resources = {"memory": {"limit": 96 << 20, "swap": 96 << 20}}
        if not driver.features().update:
            with pytest.raises(NotSupported, match=driver.name):
                driver.update(box.id, resources)
            return
        machine = layout("cgroupfs")
        if not machine.has("memory"):
            pytest.skip("no memory cgroup controller")
        driver.update(box.id, resources)
        used = cgroup.usage(machine, box.spec["linux"]["cgroupsPath"])
        assert used.memory_limit == 96 << 20

    @pytest.mark.optional
    def test_a_cpu_quota_can_be_lifted(
        self, driver: OCIRuntime, create: Callable[..., Running]
    ) -> None:
        """RUNTIME-UPDATE: a CPU quota of -1 lifts it; a new container may have it too."""
        box = create("sleep", "100", resources=Resources(cpu_quota=-1)).start()
        if not driver.features().update:
            return
        machine = layout("cgroupfs")
        where = cgroup.directories(machine, box.spec["linux"]["cgroupsPath"])
        unified = machine.version == "unified"
        file = f"{where['']}/cpu.max" if unified else f"{where.get('cpu')}/cpu.cfs_quota_us"
        if not os.path.exists(file):
            pytest.skip("no cpu cgroup controller")
        for quota, expected in ((50_000, "50000"), (-1, "max" if unified else "-1")):
            driver.update(box.id, {"cpu": {"quota": quota}})
            assert Path(file).read_text().split()[0] == expected

    @pytest.mark.optional
    def test_without_a_cgroup(self, driver: OCIRuntime, create: Callable[..., Running]) -> None:
        """RUNTIME-NO-CGROUP."""
        if not driver.features().no_cgroup:
            pytest.skip(f"{driver.name} cannot run containers without cgroups")
        box = create("sleep", "100", cgroups="disabled").start()
        with (
            open("/proc/self/cgroup", "rb") as ours,
            open(f"/proc/{box.state().pid}/cgroup", "rb") as its,
        ):
            assert its.read() == ours.read()
        driver.kill(box.id, 9)
        assert box.exit_code() == 137
        driver.delete(box.id)

    # --- what a spec asks for

    def test_limits_are_set(self, create: Callable[..., Running]) -> None:
        """RUNTIME-RUN: memory limits of the spec reach the container's cgroup."""
        machine = layout("cgroupfs")
        if not machine.has("memory"):
            pytest.skip("no memory cgroup controller")
        box = create("sleep", "100", resources=Resources(memory=64 << 20)).start()
        used = cgroup.usage(machine, box.spec["linux"]["cgroupsPath"])
        assert used.memory_limit == 64 << 20
        assert box.state().pid in cgroup.processes(machine, box.spec["linux"]["cgroupsPath"])

    def test_process_is_as_asked(self, create: Callable[..., Running]) -> None:
        """RUNTIME-RUN: user, directory, environment, host name."""
        script = "id -u; id -g; pwd; echo $A; hostname"
        box = create(
            "busybox", "sh", "-c", script.replace("hostname", "busybox hostname"),
            user="12:34", workdir="/tmp", env={"A": "b c"},
        ).start()  # fmt: skip
        assert box.exit_code() == 0
        wait(lambda: "suite" in box.output(), "the output is lost")
        assert box.output().split("\n")[:5] == ["12", "34", "/tmp", "b c", "suite"]

    def test_a_terminal(self, create: Callable[..., Running]) -> None:
        """RUNTIME-RUN: with `terminal` the standard streams are one; without, they are not."""
        script = "test -t 0 && test -t 1 && test -t 2 && echo terminal || echo none"
        for asked, expected in ((True, "terminal"), (False, "none")):
            box = create("sh", "-c", script, terminal=asked).start()
            assert box.exit_code() == 0
            wait(lambda box=box: box.output() != "", "the output is lost")  # type: ignore[misc]  # bool
            assert box.output().strip() == expected

    def test_bind_mounts(self, create: Callable[..., Running], tmp_path: Path) -> None:
        """RUNTIME-RUN: binds are read-write or read-only as asked; a tmpfs is writable."""
        source = tmp_path / "source"
        source.mkdir()
        (source / "file").write_text("from the host\n")
        script = (
            "cat /rw/file; echo x > /rw/made && echo written; "
            "echo x 2>/dev/null > /ro/made || echo refused; echo x > /t/f && echo tmp"
        )
        box = create(
            "sh",
            "-c",
            script,
            mounts=(
                Mount("bind", "/rw", str(source)),
                Mount("bind", "/ro", str(source), ("ro",)),
                Mount("tmpfs", "/t", "", ("size=1m",)),
            ),
        ).start()
        box.exit_code()
        wait(lambda: "tmp" in box.output(), f"unexpected output: {box.output()!r}")
        assert [line for line in box.output().splitlines() if "nonexistent" not in line] == [
            "from the host",
            "written",
            "refused",
            "tmp",
        ]
        assert (source / "made").read_text() == "x\n"

    def test_a_read_only_root(self, create: Callable[..., Running]) -> None:
        """RUNTIME-RUN: `root.readonly` holds, and the temporaries stay writable."""
        script = "touch /etc/x 2>/dev/null || echo refused; touch /tmp/x && echo tmp"
        box = create("sh", "-c", script, read_only=True).start()
        box.exit_code()
        wait(lambda: "tmp" in box.output(), f"unexpected output: {box.output()!r}")
        assert "refused" in box.output()

    # --- adapting

    def test_adapt_changes_only_what_it_must(
        self, driver: OCIRuntime, rootfs: Path, works: None
    ) -> None:
        """RUNTIME-ADAPT."""
        plan = SpecPlan(
            ContainerRequest(command=("true",), annotations={"a": "b"}),
            "adapted",
            str(rootfs),
            layout=layout("cgroupfs"),
        )
        spec = generate(plan).spec
        before = json.dumps(spec)
        adapted = driver.adapt(spec)
        assert json.dumps(spec) == before, "adapt must not change its argument"
        for key in ("process", "root", "hostname"):
            assert adapted.spec.get(key) == spec.get(key)
        assert adapted.spec["annotations"]["a"] == "b"
        again = driver.adapt(adapted.spec)
        assert again.spec == adapted.spec
        if adapted.spec != spec:
            assert adapted.warnings or again.warnings == ()

    def test_probe_and_version(self, driver: OCIRuntime) -> None:
        """RUNTIME-PROBE: a probe gives a reason when it does not work; `version` names the
        runtime."""
        found = driver.probe()
        assert found.works or found.reason
        if found.works:
            assert driver.version().startswith(self.prints or driver.name)
