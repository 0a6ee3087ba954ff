"""The contract suite of secret drivers: subclass it, give a driver, get the tests.

    class TestMine(SecretDriverContract):
        @pytest.fixture
        def driver(self, tmp_path):
            return MySecrets(str(tmp_path / "home"))

Each test quotes the clause of contracts/secrets.py that it holds a driver to.
"""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from ..contracts.secrets import SecretDriver
from ..errors import NoSuchSecret

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 512000
_ID = "0123456789abcdef012345678"
_OTHER = "fedcba9876543210fedcba987"


class SecretDriverContract:
    """All clauses of a secret driver. Override the fixture `driver`."""

    @pytest.fixture
    def driver(self, tmp_path: Path) -> SecretDriver:
        raise NotImplementedError("override the fixture `driver`")

    def test_works_here(self, driver: SecretDriver) -> None:
        """SECRET-PROBE."""
        probe = driver.probe()
        assert probe.works, probe.reason
        assert driver.contract_version == 1
        assert driver.name

    @pytest.mark.parametrize(
        "data",
        [b"x", b"line\n", bytes(range(256)), b"\0" * 1000, b"\xff\xfe", b"a" * LARGEST],
        ids=["short", "newline", "all bytes", "zeros", "not text", "largest"],
    )
    def test_roundtrip(self, driver: SecretDriver, data: bytes) -> None:
        """SECRET-ROUNDTRIP: `lookup` gives the stored bytes back."""
        driver.store(_ID, data)
        assert driver.lookup(_ID) == data, "SECRET-ROUNDTRIP"

    def test_replaces(self, driver: SecretDriver) -> None:
        """SECRET-ROUNDTRIP: storing again replaces."""
        driver.store(_ID, b"a longer first value")
        driver.store(_ID, b"second")
        assert driver.lookup(_ID) == b"second", "SECRET-ROUNDTRIP"
        assert list(driver.list()) == [_ID], "SECRET-ROUNDTRIP"

    def test_list(self, driver: SecretDriver) -> None:
        """SECRET-LIST."""
        assert list(driver.list()) == []
        driver.store(_OTHER, b"2")
        driver.store(_ID, b"1")
        assert list(driver.list()) == [_ID, _OTHER]
        driver.delete(_OTHER)
        assert list(driver.list()) == [_ID]

    def test_private(self, driver: SecretDriver, tmp_path: Path) -> None:
        """SECRET-PRIVATE: nothing readable by other users is written, whatever the umask."""
        before = os.umask(0)
        try:
            driver.store(_ID, b"private")
        finally:
            os.umask(before)
        for directory, _, files in os.walk(tmp_path):
            for name in files:
                path = os.path.join(directory, name)
                mode = stat.S_IMODE(os.stat(path).st_mode)
                assert not mode & 0o077, f"SECRET-PRIVATE: {path} has mode {mode:o}"

    def test_unknown(self, driver: SecretDriver) -> None:
        """SECRET-UNKNOWN: an unknown id raises NoSuchSecret."""
        with pytest.raises(NoSuchSecret):
            driver.lookup(_ID)
        with pytest.raises(NoSuchSecret):
            driver.delete(_ID)
        driver.store(_ID, b"x")
        driver.delete(_ID)
        with pytest.raises(NoSuchSecret):
            driver.lookup(_ID)

    def test_atomic(self, driver: SecretDriver) -> None:
        """SECRET-ROUNDTRIP: a reader sees one value or the other, never a part or none."""
        values = [b"a" * 100_000, b"b" * 90_000]
        driver.store(_ID, values[0])
        stop = threading.Event()
        wrong: list[int] = []

        def read() -> None:
            while not stop.is_set():
                found = driver.lookup(_ID)
                if found not in values:
                    wrong.append(len(found))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for number in range(30):
                driver.store(_ID, values[number % 2])
        finally:
            stop.set()
            reader.join()
        assert not wrong, f"SECRET-ROUNDTRIP: torn values of {wrong} bytes"
