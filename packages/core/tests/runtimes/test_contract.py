"""The shipped runtimes pass their contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from rundlet.core.contracts.runtime import OCIRuntime, RuntimeConfig
from rundlet.core.runtimes.crun import Crun
from rundlet.core.runtimes.runc import Runc
from rundlet.core.runtimes.runsc import Runsc
from rundlet.core.runtimes.shim_runc import ShimRunc
from rundlet.core.testing.runtime import OCIRuntimeContract


class TestRunc(OCIRuntimeContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> OCIRuntime:
        return Runc(RuntimeConfig(root=tmp_path / "runtime"))


class TestCrun(OCIRuntimeContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> OCIRuntime:
        return Crun(RuntimeConfig(root=tmp_path / "runtime"))


class TestRunsc(OCIRuntimeContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> OCIRuntime:
        return Runsc(RuntimeConfig(root=tmp_path / "runtime"))


class TestShimRunc(OCIRuntimeContract):
    prints = "containerd-shim-runc-v2"

    @pytest.fixture
    def driver(self, tmp_path: Path) -> OCIRuntime:
        return ShimRunc(RuntimeConfig(root=tmp_path / "runtime"))
