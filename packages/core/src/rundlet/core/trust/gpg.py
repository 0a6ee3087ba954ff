"""OpenPGP by the gpg program: messages signed and checked.

Only what gpg says on its status descriptor counts (GnuPG's doc/DETAILS), never its words or
its exit code alone: that is 0 for a message that nobody signed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import DeniedByPolicy, InvalidArgument, NotFound
from ..linux.processes import run
from ..value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STATUS = b"[GNUPG:] "
_ONCE = ("NEWSIG", "GOODSIG", "VALIDSIG", "PLAINTEXT")
"""Said once each of a message with one good signature by a key that may sign now."""
_LARGEST = 1 << 20
"""Bytes of a content: what is compressed in a message may be of any size."""
_NEVER = ("BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "NODATA", "UNEXPECTED")


class Signed(Value):
    """A message that was signed: its content, and the fingerprints of the key that did it.

    key: of the key or subkey itself. primary: of the key that a subkey belongs to.
    """

    content: bytes
    key: str
    primary: str

    def by(self, fingerprint: str) -> bool:
        """Whether a key with this fingerprint signed, itself or by a subkey."""
        wanted = fingerprint.replace(" ", "").upper()
        return wanted in (self.key, self.primary)


class Keys(Value):
    """Where keys are: home is gpg's directory, "" for the user's own. fingerprints: of what was
    imported there.
    """

    home: str = ""
    fingerprints: tuple[str, ...] = ()


@contextmanager
def imported(*keyrings: bytes) -> Iterator[Keys]:
    """A directory of gpg with these public keys alone. Raises InvalidArgument if there is none."""
    with tempfile.TemporaryDirectory(prefix="rundlet-gpg-") as home:
        found: list[str] = []
        for data in keyrings:
            _, said = _gpg(home, ("--import",), data)
            found += [words[2] for words in said if words[0] == "IMPORT_OK"]
        if not found:
            raise InvalidArgument("there are no OpenPGP public keys in what was given as such")
        yield Keys(home, tuple(dict.fromkeys(found)))


def user_ids(keyring: bytes) -> list[str]:
    """Of the public keys of a keyring: their mail addresses, or the whole user ids without one."""
    with tempfile.TemporaryDirectory(prefix="rundlet-gpg-") as home:
        shown, _ = _gpg(home, ("--with-colons", "--show-keys"), keyring)
    found = []
    for line in shown.decode(errors="replace").splitlines():
        fields = line.split(":")
        if fields[0] in ("uid", "pub") and len(fields) > 9 and fields[9]:
            _, less, rest = fields[9].partition("<")
            address, greater, _ = rest.partition(">")
            found.append(address if less and greater else fields[9])
    return found


def verify(message: bytes, keys: Keys = Keys()) -> Signed:  # noqa: B008 (frozen)
    """The content of a signed message. Raises DeniedByPolicy unless it has one good signature."""
    words = ("--trust-model", "always", "--max-output", str(_LARGEST), "--decrypt")
    content, said = _gpg(keys.home, words, message)
    names = [words[0] for words in said]
    wrong = [name for name in _NEVER if name in names]
    wrong += [f"{names.count(name)} {name}" for name in _ONCE if names.count(name) != 1]
    if wrong:
        raise DeniedByPolicy(f"signature: not a valid one by a known key ({', '.join(wrong)})")
    valid = next(words for words in said if words[0] == "VALIDSIG")
    return Signed(content, valid[1].upper(), valid[-1].upper())


def sign(
    content: bytes,
    key: str,
    *,
    passphrase: str | None = None,
    keys: Keys = Keys(),  # noqa: B008 (frozen)
) -> bytes:
    """A signed message around the content, by a key that gpg knows (fingerprint or name).

    Raises InvalidArgument with gpg's words when it cannot sign with it.
    """
    words = ["--local-user", key, "--sign"]
    read_end = -1
    if passphrase is not None:
        read_end = _pipe(passphrase.encode() + b"\n")
        words = ["--pinentry-mode", "loopback", "--passphrase-fd", str(read_end), *words]
    try:
        message, said = _gpg(keys.home, words, content, passed=read_end, agent=True)
    finally:
        if read_end >= 0:
            os.close(read_end)
    if not any(words[0] == "SIG_CREATED" for words in said):
        raise InvalidArgument(
            f"cannot sign with the key {key}: {_reason(said)}",
            remedy="`gpg --list-secret-keys` shows the keys there are.",
        )
    return message


def _gpg(
    home: str, words: Sequence[str], stdin: bytes, *, passed: int = -1, agent: bool = False
) -> tuple[bytes, list[list[str]]]:
    """Run gpg: its output, and its status lines as words."""
    program = shutil.which("gpg")
    if program is None:
        raise NotFound("gpg is not installed", remedy="Install it (Debian: gnupg).")
    status = os.memfd_create("gpg-status")
    try:
        done = run(
            [
                program, "--batch", "--no-tty", "--quiet", "--status-fd", str(status),
                *(("--homedir", home) if home else ()),
                *(() if agent else ("--no-autostart",)),
                *words,
            ],
            stdin=stdin,
            pass_fds=[status, *([passed] if passed >= 0 else [])],
        )  # fmt: skip
        size = os.lseek(status, 0, os.SEEK_END)
        lines = os.pread(status, size, 0).splitlines()
    finally:
        os.close(status)
    said = [
        line.removeprefix(_STATUS).decode(errors="replace").split()
        for line in lines
        if line.startswith(_STATUS)
    ]
    return done.stdout, [words for words in said if words]


def _pipe(data: bytes) -> int:
    """The reading end of a pipe that holds a few bytes."""
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, data)
    finally:
        os.close(write_end)
    return read_end


def _reason(said: list[list[str]]) -> str:
    codes = [" ".join(words) for words in said if words[0] in ("INV_SGNR", "FAILURE", "ERROR")]
    return "; ".join(codes) or "gpg did not make a signature"
