"""The secret driver `pass`: the contract, with keys of gpg that the test makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools.gpg import Home
from rundlet.core.errors import InvalidArgument, StoreError
from rundlet.core.secrets.pass_ import PassSecrets
from rundlet.core.testing.secrets import SecretDriverContract


@pytest.fixture(scope="session")
def key(home: Home) -> str:
    """A key that gpg can encrypt for."""
    loopback = ("--pinentry-mode", "loopback", "--passphrase", "")
    home.run(*loopback, "--quick-generate-key", "pass@example.com", "default", "default", "never")
    return "pass@example.com"


class TestPass(SecretDriverContract):
    @pytest.fixture
    def driver(self, home: Home, key: str, tmp_path: Path) -> PassSecrets:
        root = str(tmp_path / "store")
        return PassSecrets("", {"root": root, "key": key, "gpghomedir": home.directory})


def test_a_store_of_pass(
    home: Home, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is used; what is encrypted there is not the value, and passwords are no secrets."""
    monkeypatch.setenv("PASSWORD_STORE_DIR", str(tmp_path))
    driver = PassSecrets("", {"gpghomedir": home.directory})
    with pytest.raises(InvalidArgument, match="there is no key to encrypt for"):
        driver.store("one", b"word")
    (tmp_path / ".gpg-id").write_text(f"{key}\n")
    (tmp_path / "notes.txt").write_text("x")
    driver.store("one", b"word")
    assert b"word" not in (tmp_path / "one.gpg").read_bytes()
    assert (driver.lookup("one"), driver.list()) == (b"word", ["one"])
    assert driver.shared
    (tmp_path / ".gpg-id").write_text("nobody@example.com\n")
    with pytest.raises(StoreError, match="nobody@"):
        driver.store("two", b"word")
