"""The suite of one installed driver, named by RUNDLET_KIT=KIND:NAME (run with `--pyargs`).

A transport's suite needs a place that it may write to: RUNDLET_KIT_PLACE, in which `{tmp}`
stands for a directory of the test's own (`{tmp}/image`, the default).

Imports are absolute: pytest may give this module another name, `rundlet` being a namespace.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rundlet.core.plugins.faults import load
from rundlet.core.plugins.manager import Plugins
from rundlet.core.settings.load import load as load_settings
from rundlet.core.testing.hooks import HooksContract
from rundlet.core.testing.network import NetworkPluginContract
from rundlet.core.testing.runtime import OCIRuntimeContract
from rundlet.core.testing.secrets import SecretDriverContract
from rundlet.core.testing.storage import StorageDriverContract
from rundlet.core.testing.transport import ImageTransportContract

if TYPE_CHECKING:
    from collections.abc import Callable

    from rundlet.core.contracts.network import NetworkPlugin, NetworkSettings
    from rundlet.core.contracts.runtime import OCIRuntime
    from rundlet.core.contracts.secrets import SecretDriver
    from rundlet.core.contracts.storage import StorageDriver
    from rundlet.core.contracts.transport import ImageTransport

KIND, _, NAME = os.environ.get("RUNDLET_KIT", "").partition(":")


def _plugins(directory: Path) -> Plugins:
    """All plugins as this machine configures them, over directories of the test's own."""
    settings = load_settings()
    return Plugins(
        settings.replace(graph_root=str(directory / "graph"), run_root=str(directory / "run"))
    )


class _Storage(StorageDriverContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[[str], StorageDriver]:
        kind: Any = type(_plugins(tmp_path).storage(NAME))
        return lambda home: kind(home)


class _Runtime(OCIRuntimeContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> OCIRuntime:
        made = _plugins(tmp_path).runtime(NAME)
        # Only its author knows what the program calls itself: not asked of it here.
        self.prints = made.version().split()[0] if made.probe().works else ""
        return made


class _Network(NetworkPluginContract):
    @pytest.fixture
    def plugin(self, settings: NetworkSettings, tmp_path: Path) -> NetworkPlugin:
        kind: Any = type(_plugins(tmp_path).network(NAME))
        self.joins = self.publishes = NAME not in ("none", "host")
        plugin: NetworkPlugin = kind(settings)
        return plugin


class _Transport(ImageTransportContract):
    @pytest.fixture
    def transport(self, tmp_path: Path) -> ImageTransport:
        return _plugins(tmp_path).transport(NAME)

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        return os.environ.get("RUNDLET_KIT_PLACE", "{tmp}/image").replace("{tmp}", str(tmp_path))


class _Secret(SecretDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> SecretDriver:
        return _plugins(tmp_path).secret(NAME)


class _Hooks(HooksContract):
    @pytest.fixture
    def plugin(self, tmp_path: Path) -> object:
        return load(_plugins(tmp_path).entry("hooks", NAME))


_SUITES = {
    "storage": _Storage,
    "runtime": _Runtime,
    "network": _Network,
    "transport": _Transport,
    "secret": _Secret,
    "hooks": _Hooks,
}
if KIND in _SUITES:
    TestInstalled = _SUITES[KIND]
