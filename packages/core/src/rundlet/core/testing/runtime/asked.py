"""What a spec asks for, as the process in the container finds it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ...cgroups import container as cgroup
from ...cgroups.layout import layout
from ...containers.request import Mount, Resources
from .base import Running, RuntimeSuite, wait

if TYPE_CHECKING:
    from collections.abc import Callable


class Asked(RuntimeSuite):
    """Limits, users, terminals, mounts."""

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
