"""Signed messages: one good signature by a known key, or nothing."""

from __future__ import annotations

import subprocess
import tempfile

import pytest

from devtools.gpg import Home
from rundlet.core.errors import DeniedByPolicy, InvalidArgument, NotFound
from rundlet.core.trust import gpg

TEXT = b'{"critical": "things"}'


def test_there_and_back(home: Home) -> None:
    key = home.fingerprint("one")
    message = gpg.sign(TEXT, key, keys=gpg.Keys(home.directory))
    with gpg.imported(home.public("one")) as keys:
        assert keys.fingerprints == (key,)
        signed = gpg.verify(message, keys)
    assert signed.content == TEXT
    assert signed.by(key) and signed.by(key.lower()) and not signed.by(home.fingerprint("two"))


def test_by_a_subkey(home: Home) -> None:
    main = home.fingerprint("main")
    home.run("--pinentry-mode", "loopback", "--passphrase", "", "--quick-add-key", main,
             "ed25519", "sign")  # fmt: skip
    message = gpg.sign(TEXT, main, keys=gpg.Keys(home.directory))
    with gpg.imported(home.public("main")) as keys:
        signed = gpg.verify(message, keys)
    assert signed.key != signed.primary == main
    assert signed.by(main)


def test_a_passphrase(home: Home) -> None:
    key = home.fingerprint("locked", "open sesame")
    keys = gpg.Keys(home.directory)
    subprocess.run(["gpgconf", "--homedir", home.directory, "--kill", "gpg-agent"], check=True)
    with pytest.raises(InvalidArgument, match="cannot sign with the key"):
        gpg.sign(TEXT, key, passphrase="wrong", keys=keys)
    assert gpg.sign(TEXT, key, passphrase="open sesame", keys=keys)


def test_who_cannot_sign(home: Home) -> None:
    with pytest.raises(InvalidArgument, match="cannot sign with the key nobody"):
        gpg.sign(TEXT, "nobody", keys=gpg.Keys(home.directory))


def test_what_is_not_signed_well(home: Home) -> None:
    """By another key, changed, not signed at all, twice, cut off, or no message."""
    mine = gpg.Keys(home.directory)
    message = gpg.sign(TEXT, home.fingerprint("one"), keys=mine)
    armored = home.run("--armor", "--local-user", home.fingerprint("one"), "--clearsign",
                       stdin=TEXT)  # fmt: skip
    twice = home.run("--local-user", home.fingerprint("one"), "--local-user",
                     home.fingerprint("two"), "--sign", stdin=TEXT)  # fmt: skip
    bad = [
        gpg.sign(TEXT, home.fingerprint("two"), keys=mine),
        message[:-10],
        message[:20],
        armored.replace(b"critical", b"criminal"),
        home.run("--store", stdin=TEXT),
        home.run("--local-user", home.fingerprint("one"), "--detach-sign", stdin=TEXT),
        twice,
        TEXT,
        b"",
    ]
    with gpg.imported(home.public("one")) as keys:
        for number, data in enumerate(bad):
            with pytest.raises(DeniedByPolicy, match="not a valid one by a known key"):
                gpg.verify(data, keys)
                pytest.fail(f"message {number} was taken")


def test_nothing_is_added_to_what_was_signed(home: Home) -> None:
    """What stands before or after a signed message never counts as its content."""
    mine = gpg.Keys(home.directory)
    message = gpg.sign(TEXT, home.fingerprint("one"), keys=mine)
    other = home.run("--store", stdin=b'{"critical": "others"}')
    with gpg.imported(home.public("one")) as keys:
        for data in (message + message, message + other, message + b"text", other + message):
            try:
                assert gpg.verify(data, keys).content == TEXT
            except DeniedByPolicy:
                continue


def test_a_compressed_bomb(home: Home) -> None:
    """64 MiB in a small message: no more is read than a signature may have."""
    key = home.fingerprint("one")
    bomb = home.run("-z", "9", "--local-user", key, "--sign", stdin=bytes(64 << 20))
    assert len(bomb) < 1 << 20
    with (
        gpg.imported(home.public("one")) as keys,
        pytest.raises(DeniedByPolicy, match="0 VALIDSIG"),
    ):
        gpg.verify(bomb, keys)


def test_an_expired_key() -> None:
    with tempfile.TemporaryDirectory(prefix="gpg-") as directory:
        old = Home(directory)
        old.run(
            "--pinentry-mode", "loopback", "--passphrase", "", "--faked-system-time",
            "20200101T000000!", "--quick-generate-key", "old@example.com", "ed25519", "sign", "1d",
        )  # fmt: skip
        message = old.run("--faked-system-time", "20200101T010000!", "--sign", stdin=TEXT)
        public = old.run("--export")
        subprocess.run(["gpgconf", "--homedir", directory, "--kill", "all"], check=False)
    with gpg.imported(public) as keys, pytest.raises(DeniedByPolicy, match="EXPKEYSIG"):
        gpg.verify(message, keys)


@pytest.mark.parametrize("data", [b"", b"no keys", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"])
def test_no_keys(data: bytes) -> None:
    with pytest.raises(InvalidArgument, match="no OpenPGP public keys"), gpg.imported(data):
        pass


def test_no_gpg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotFound, match="gpg is not installed"):
        gpg.verify(TEXT)
