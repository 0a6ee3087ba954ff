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
from typing import TYPE_CHECKING

from ...cgroups.layout import layout
from ...containers.request import ContainerRequest
from ...spec.generate import SpecPlan, generate
from ..monitor import MonitorContract
from .asked import Asked
from .base import Running as Running
from .life import Life

if TYPE_CHECKING:
    from pathlib import Path

    from ...contracts.runtime import OCIRuntime


class OCIRuntimeContract(Life, Asked, MonitorContract):
    """Subclass it and give a `driver` fixture.

    prints: what the program's version begins with; "" for the driver's name.
    """

    prints = ""

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
