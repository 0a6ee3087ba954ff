"""The network plugin `cni` keeps the contract, on the real binaries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rundlet.core.contracts.network import (
    Attachment,
    NetworkPlugin,
    NetworkRequest,
    NetworkSettings,
)
from rundlet.core.testing.network import NetworkPluginContract
from rundlet.net_cni.default import document
from rundlet.net_cni.plugin import rundlet_network_plugin


class TestCNI(NetworkPluginContract):
    @pytest.fixture
    def plugin(self, settings: NetworkSettings) -> NetworkPlugin:
        made = rundlet_network_plugin("cni", settings)
        assert made is not None
        return made

    @pytest.fixture(autouse=True)
    def broken_network(self, settings: NetworkSettings) -> None:
        """A network whose last plugin fails, when all others are done."""
        settings.config_dirs[0].mkdir()
        made = document("broken", "10.99.0.0/24")
        made["plugins"][0]["bridge"] = "cni-broken0"
        made["plugins"].append({"type": "tuning", "mac": "no address"})
        (settings.config_dirs[0] / "broken.conflist").write_text(json.dumps(made))

    def failing(self, attachment: Attachment) -> Attachment:
        return attachment.replace(networks=(NetworkRequest(), NetworkRequest("broken")))


class TestProcesses(TestCNI):
    """The same with the real plugins only."""

    @pytest.fixture
    def settings(self, tmp_path: Path) -> NetworkSettings:
        made = NetworkPluginContract.settings.__wrapped__(self, tmp_path)  # type: ignore[attr-defined]
        assert isinstance(made, NetworkSettings)
        return made.replace(options={**made.options, "in_process": False})
