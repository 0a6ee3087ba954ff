"""The life of a container: started, seen, signalled, paused, changed, deleted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ...cgroups import container as cgroup
from ...cgroups.layout import layout
from ...containers.request import Resources
from ...errors import (
    CommandNotExecutable,
    CommandNotFound,
    NotFound,
    NotSupported,
    RundletError,
    WrongState,
)
from .base import Running, RuntimeSuite, wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...contracts.runtime import OCIRuntime


class Life(RuntimeSuite):
    """What a container does, and what is done to it."""

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
