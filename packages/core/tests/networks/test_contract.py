"""The shipped network plugins without networks keep the contract."""

from __future__ import annotations

import pytest

from rundlet.core.contracts.network import NetworkPlugin, NetworkSettings
from rundlet.core.networks import host, none
from rundlet.core.testing.network import NetworkPluginContract


class TestNone(NetworkPluginContract):
    publishes = False
    joins = False

    @pytest.fixture
    def plugin(self, settings: NetworkSettings) -> NetworkPlugin:
        made = none.rundlet_network_plugin("none", settings)
        assert made is not None
        return made


class TestHost(NetworkPluginContract):
    publishes = False
    joins = False

    @pytest.fixture
    def plugin(self, settings: NetworkSettings) -> NetworkPlugin:
        made = host.rundlet_network_plugin("host", settings)
        assert made is not None
        return made


def test_a_plugin_answers_for_its_own_name_only() -> None:
    settings = NetworkSettings.__new__(NetworkSettings)
    assert none.rundlet_network_plugin("cni", settings) is None
    assert host.rundlet_network_plugin("none", settings) is None
