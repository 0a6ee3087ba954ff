"""OCI runtimes that are wrong in one thing each."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.contracts.monitor import Attached, Monitor, Monitored, MonitorJob
from rundlet.core.contracts.runtime import (
    Adapted,
    OCIRuntime,
    RuntimeConfig,
    RuntimeFeatures,
    RuntimeState,
)
from rundlet.core.errors import CommandNotFound, NotFound, RundletError, RuntimeFailed, WrongState
from rundlet.core.runtimes.runc import Runc
from rundlet.core.testing.runtime import OCIRuntimeContract


class Base(OCIRuntimeContract):
    Driver: type[OCIRuntime] = Runc
    prints = "runc"

    @pytest.fixture
    def driver(self, tmp_path: Path) -> OCIRuntime:
        return self.Driver(RuntimeConfig(root=tmp_path / "runtime"))


class Failing(Monitor):
    """The monitor of another, whose failures are these."""

    def __init__(self, below: Monitor, error: type[RundletError], words: str) -> None:
        self.below, self.error, self.words = below, error, words

    def create(self, job: MonitorJob, *, environment: Mapping[str, str] | None = None) -> Monitored:
        try:
            return self.below.create(job, environment=environment)
        except RundletError as error:
            raise self.error(f"{self.words}{error.message}") from error

    def attach(self, job_dir: str, container: str, *, terminal: bool) -> Attached:
        return self.below.attach(job_dir, container, terminal=terminal)

    def execute(self, job: Any) -> Any: ...
    def reopen_log(self, job_dir: str, container: str) -> None: ...
    def resize(self, job_dir: str, container: str, rows: int, columns: int) -> None: ...
    def command(self) -> Sequence[str]: ...  # type: ignore[empty-body]


class Forgetful(Failing):
    """One whose exit code is gone when the exit command comes."""

    def create(self, job: MonitorJob, *, environment: Mapping[str, str] | None = None) -> Monitored:
        command = ("/bin/sh", "-c", f'rm {job.exit_file}; exec "$@"', "sh", *job.exit_command)
        return self.below.create(job.replace(exit_command=command))


class Clinging(Failing):
    """One whose containers die with the process that created them."""

    def create(self, job: MonitorJob, *, environment: Mapping[str, str] | None = None) -> Monitored:
        made = self.below.create(job)
        script = f"while kill -0 {os.getpid()}; do sleep 0.02; done; kill -9 {made.pid}"
        subprocess.Popen(["sh", "-c", script], stderr=subprocess.DEVNULL)
        return made


class Silent(Failing):
    """One that sends no output."""

    def attach(self, job_dir: str, container: str, *, terminal: bool) -> Attached:
        attached = self.below.attach(job_dir, container, terminal=terminal)
        pump = attached.pump
        attached.pump = lambda streams: pump(streams.replace(stdout=-1))  # type: ignore[method-assign]
        return attached


class TestExitFile(Base):
    class Driver(Runc):
        def monitor(self) -> Monitor:
            return Forgetful(super().monitor(), RuntimeFailed, "")


class TestOrphan(Base):
    class Driver(Runc):
        def monitor(self) -> Monitor:
            return Clinging(super().monitor(), RuntimeFailed, "")


class TestAttached(Base):
    class Driver(Runc):
        def monitor(self) -> Monitor:
            return Silent(super().monitor(), RuntimeFailed, "")


class TestProbe(Base):
    class Driver(Runc):
        def version(self) -> str:
            return "1.0"


class TestRun(Base):
    class Driver(Runc):
        def adapt(self, spec: dict[str, Any]) -> Adapted:
            made = super().adapt(spec)
            process = {**made.spec["process"], "env": [], "cwd": "/"}
            return made.replace(spec={**made.spec, "process": process})


class TestLists(Base):
    class Driver(Runc):
        def containers(self) -> Sequence[RuntimeState]:
            return ()


class TestSignals(Base):
    class Driver(Runc):
        def kill(self, container: str, signal: int, *, all_processes: bool = False) -> None:
            super().kill(container, 9, all_processes=all_processes)


class TestUnknown(Base):
    class Driver(Runc):
        def start(self, container: str) -> None:
            if self.state(container) is not None:
                super().start(container)


class TestRefused(Base):
    class Driver(Runc):
        def delete(self, container: str, *, force: bool = False) -> None:
            super().delete(container, force=True)


class TestPause(Base):
    class Driver(Runc):
        def pause(self, container: str) -> None:
            pass


class TestUpdate(Base):
    class Driver(Runc):
        def update(self, container: str, resources: Mapping[str, Any]) -> None:
            pass


class TestState(Base):
    class Driver(Runc):
        def state(self, container: str) -> RuntimeState | None:
            found = super().state(container)
            if found is None:
                raise NotFound(container)
            return found


class TestDeleteWins(Base):
    class Driver(Runc):
        def delete(self, container: str, *, force: bool = False) -> None:
            if self.state(container) is None:
                raise NotFound(container)
            super().delete(container, force=force)


class TestKillDead(Base):
    class Driver(Runc):
        def kill(self, container: str, signal: int, *, all_processes: bool = False) -> None:
            try:
                super().kill(container, signal, all_processes=all_processes)
            except WrongState:
                return


class TestCodes(Base):
    class Driver(Runc):
        def monitor(self) -> Monitor:
            return Failing(super().monitor(), RuntimeFailed, "")


class TestWords(Base):
    class Driver(Runc):
        def monitor(self) -> Monitor:
            return Failing(super().monitor(), CommandNotFound, 'time="now" level=error msg=')


class TestAdapt(Base):
    class Driver(Runc):
        def adapt(self, spec: dict[str, Any]) -> Adapted:
            spec["annotations"].clear()
            return super().adapt(spec)


class TestNoCgroup(Base):
    """It says that it makes none, and makes one."""

    class Driver(Runc):
        def features(self) -> RuntimeFeatures:
            return super().features().replace(no_cgroup=True)


FAILS: dict[str, tuple[type, str]] = {
    "RUNTIME-PROBE": (TestProbe, "test_probe_and_version"),
    "RUNTIME-RUN": (TestRun, "test_process_is_as_asked"),
    "RUNTIME-LISTS": (TestLists, "test_containers_are_listed"),
    "RUNTIME-SIGNALS": (TestSignals, "test_signals_arrive"),
    "RUNTIME-UNKNOWN": (TestUnknown, "test_unknown_containers_are_named"),
    "RUNTIME-DELETE-REFUSED": (
        TestRefused,
        "test_a_running_container_is_not_deleted_without_force",
    ),
    "RUNTIME-PAUSE (optional)": (TestPause, "test_pause_and_resume"),
    "RUNTIME-UPDATE (optional)": (TestUpdate, "test_update"),
    "RUNTIME-NO-CGROUP (optional)": (TestNoCgroup, "test_without_a_cgroup"),
    "RUNTIME-STATE-DERIVED": (TestState, "test_state_is_derived"),
    "RUNTIME-DELETE-WINS": (TestDeleteWins, "test_delete_wins[unknown]"),
    "RUNTIME-KILL-DEAD": (TestKillDead, "test_killing_the_dead"),
    "RUNTIME-126-127": (TestCodes, "test_commands_that_cannot_run[missing-CommandNotFound]"),
    "RUNTIME-WORDS": (TestWords, "test_commands_that_cannot_run[missing-CommandNotFound]"),
    "RUNTIME-ADAPT": (TestAdapt, "test_adapt_changes_only_what_it_must"),
    "MONITOR-EXIT-FILE": (TestExitFile, "test_exit_file"),
    "MONITOR-ORPHAN": (TestOrphan, "test_orphans"),
    "MONITOR-ATTACH-ALL": (TestAttached, "test_attached_to_all"),
}
