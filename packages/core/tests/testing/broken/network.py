"""Network plugins that are wrong in one thing each."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

from rundlet.core.contracts.network import (
    Attachment,
    AttachResult,
    InterfaceResult,
    NetworkPlugin,
    NetworkSettings,
)
from rundlet.core.contracts.probe import Probe
from rundlet.core.errors import NetworkError
from rundlet.core.networks.none import NoNetwork
from rundlet.core.testing.network import NetworkPluginContract


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


class Base(NetworkPluginContract):
    Driver: type[NetworkPlugin] = NoNetwork
    publishes = joins = False

    @pytest.fixture
    def plugin(self, settings: NetworkSettings) -> NetworkPlugin:
        return self.Driver(settings)


class TestProbe(Base):
    class Driver(NoNetwork):
        def probe(self) -> Probe:
            return Probe(False, "not today")


class TestResult(Base):
    class Driver(NoNetwork):
        def attach(self, attachment: Attachment) -> AttachResult:
            return AttachResult(interfaces=(InterfaceResult("podman", "eth0"),))


class TestUndo(Base):
    """Every attachment leaves a link in the host's place, and fails."""

    class Driver(NoNetwork):
        def attach(self, attachment: Attachment) -> AttachResult:
            if attachment.hostname != "fails":
                return super().attach(attachment)
            ip("link", "add", f"left-{attachment.name}", "type", "bridge")
            raise NetworkError("on purpose")

    def failing(self, attachment: Attachment) -> Attachment:
        return attachment.replace(hostname="fails")


class TestDetach(Base):
    class Driver(NoNetwork):
        def detach(self, attachment: Attachment, result: AttachResult) -> None:
            if attachment.namespace is None or not attachment.namespace.exists():
                raise KeyError("gone")


class TestCheck(Base):
    class Driver(NoNetwork):
        def check(self, attachment: Attachment, result: AttachResult) -> None:
            raise NetworkError("it is not as it was")


class TestStatus(Base):
    class Driver(NoNetwork):
        def status(self) -> Sequence[str]:
            return ("no plugins",)


class TestCollect(Base):
    """What nobody detached stays for ever."""

    class Driver(NoNetwork):
        def attach(self, attachment: Attachment) -> AttachResult:
            ip("link", "add", f"of-{attachment.name}", "type", "bridge")
            return super().attach(attachment)

        def detach(self, attachment: Attachment, result: AttachResult) -> None:
            ip("link", "delete", f"of-{attachment.name}")


FAILS: dict[str, tuple[type, str]] = {
    "NETWORK-PROBE": (TestProbe, "test_works_here"),
    "NETWORK-RESULT": (TestResult, "test_result"),
    "NETWORK-ATTACH-UNDO (optional)": (TestUndo, "test_failed_attach"),
    "NETWORK-DETACH-IDEMPOTENT": (TestDetach, "test_detach_without_namespace"),
    "NETWORK-CHECK": (TestCheck, "test_check"),
    "NETWORK-STATUS": (TestStatus, "test_status"),
    "NETWORK-GC": (TestCollect, "test_collect_nothing_valid"),
}
