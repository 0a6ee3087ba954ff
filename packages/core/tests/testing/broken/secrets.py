"""Secret drivers that are wrong in one thing each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from rundlet.core.contracts.probe import Probe
from rundlet.core.contracts.secrets import SecretDriver
from rundlet.core.errors import NoSuchSecret
from rundlet.core.secrets.file import FileSecrets
from rundlet.core.testing.secrets import SecretDriverContract


class Base(SecretDriverContract):
    Driver: type[SecretDriver] = FileSecrets

    @pytest.fixture
    def driver(self, tmp_path: Path) -> SecretDriver:
        return self.Driver(str(tmp_path / "home"))


class TestProbe(Base):
    class Driver(FileSecrets):
        def probe(self) -> Probe:
            return Probe(False, "not today")


class TestRoundtrip(Base):
    class Driver(FileSecrets):
        def lookup(self, secret: str) -> bytes:
            return super().lookup(secret).strip()


class TestPrivate(Base):
    class Driver(FileSecrets):
        def store(self, secret: str, data: bytes) -> None:
            super().store(secret, data)
            for directory, _, files in os.walk(self.home):
                for name in files:
                    os.chmod(f"{directory}/{name}", 0o644)


class TestUnknown(Base):
    class Driver(FileSecrets):
        def lookup(self, secret: str) -> bytes:
            try:
                return super().lookup(secret)
            except NoSuchSecret:
                return b""


class TestList(Base):
    class Driver(FileSecrets):
        def list(self) -> Sequence[str]:
            return sorted(super().list(), reverse=True)


FAILS: dict[str, tuple[type, str]] = {
    "SECRET-PROBE": (TestProbe, "test_works_here"),
    "SECRET-ROUNDTRIP": (TestRoundtrip, "test_roundtrip[newline]"),
    "SECRET-PRIVATE": (TestPrivate, "test_private"),
    "SECRET-UNKNOWN": (TestUnknown, "test_unknown"),
    "SECRET-LIST": (TestList, "test_list"),
}
