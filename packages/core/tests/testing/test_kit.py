"""The kit as a pytest plugin: what a broken driver of each kind fails at is named."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

STORAGE = """
import pytest
from rundlet.core.storage.vfs import VfsDriver
from rundlet.core.testing.storage import StorageDriverContract
class Broken(VfsDriver):
    name = "broken"
    def remove(self, layer):
        if not self.exists(layer):
            raise KeyError(layer)
        super().remove(layer)
class TestBroken(StorageDriverContract):
    @pytest.fixture
    def make(self):
        return Broken
"""
SECRET = """
import pytest
from rundlet.core.secrets.file import FileSecrets
from rundlet.core.testing.secrets import SecretDriverContract
class Broken(FileSecrets):
    def lookup(self, secret):
        return super().lookup(secret).strip()
class TestBroken(SecretDriverContract):
    @pytest.fixture
    def driver(self, tmp_path):
        return Broken(str(tmp_path / "home"))
"""
TRANSPORT = """
import pytest
from rundlet.core.errors import NotSupported
from rundlet.core.transports.directory import DirectoryTransport
from rundlet.core.testing.transport import ImageTransportContract
class Broken(DirectoryTransport):
    def source(self, location, settings):
        raise KeyError(location)
class TestBroken(ImageTransportContract):
    @pytest.fixture
    def transport(self):
        return Broken()
    @pytest.fixture
    def place(self, tmp_path):
        return str(tmp_path / "image")
"""
NETWORK = """
import pytest
from rundlet.core.networks.none import NoNetwork
from rundlet.core.testing.network import NetworkPluginContract
class Broken(NoNetwork):
    def detach(self, attachment, result):
        if attachment.namespace is None or not attachment.namespace.exists():
            raise KeyError("gone")
class TestBroken(NetworkPluginContract):
    publishes = joins = False
    @pytest.fixture
    def plugin(self, settings):
        return Broken(settings)
"""
RUNTIME = """
import pytest
from rundlet.core.contracts.runtime import RuntimeConfig
from rundlet.core.errors import NotFound
from rundlet.core.runtimes.runc import Runc
from rundlet.core.testing.runtime import OCIRuntimeContract
class Broken(Runc):
    def state(self, container):
        found = super().state(container)
        if found is None:
            raise NotFound(container)
        return found
class TestBroken(OCIRuntimeContract):
    @pytest.fixture
    def driver(self, tmp_path):
        return Broken(RuntimeConfig(root=tmp_path / "runtime"))
"""
BROKEN = {
    "STORAGE-REMOVE-IDEMPOTENT": (STORAGE, "removing"),
    "SECRET-ROUNDTRIP": (SECRET, "roundtrip"),
    "TRANSPORT-UNKNOWN": (TRANSPORT, "missing or unknown"),
    "NETWORK-DETACH-IDEMPOTENT": (NETWORK, "detach"),
    "RUNTIME-STATE-DERIVED": (RUNTIME, "state"),
}


@pytest.mark.parametrize("clause", BROKEN)
def test_a_broken_driver_fails_at_its_clause(pytester: pytest.Pytester, clause: str) -> None:
    source, tests = BROKEN[clause]
    Path(pytester.path, "test_broken.py").write_text(source)
    done = pytester.runpytest_subprocess(
        "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-x", "-k", tests
    )
    text = done.stdout.str()
    assert "clauses of the contract that do not hold" in text, text
    assert f"\n{clause}: test_broken.py::TestBroken::" in text


@pytest.mark.parametrize("driver", ["secret:file", "network:none", "transport:dir"])
def test_an_installed_driver_by_name(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    monkeypatch.setenv("RUNDLET_KIT", driver)
    done = pytester.runpytest_subprocess(
        "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--pyargs",
        "rundlet.core.testing.installed",
    )  # fmt: skip
    outcomes = done.parseoutcomes()
    assert outcomes["passed"] >= 5, done.stdout.str()
    assert "failed" not in outcomes and "errors" not in outcomes
