"""A directory of gpg with keys made for tests."""

from __future__ import annotations

import subprocess


class Home:
    """Secret keys by user id: `fingerprint("one")`; made when first asked for."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._made: dict[str, str] = {}

    def run(self, *words: str, stdin: bytes = b"") -> bytes:
        """Run gpg there; its output."""
        return subprocess.run(
            ["gpg", "--homedir", self.directory, "--batch", "--quiet", *words],
            input=stdin,
            check=True,
            capture_output=True,
        ).stdout

    def fingerprint(self, name: str, passphrase: str = "") -> str:
        """The fingerprint of the key of this name."""
        if name not in self._made:
            loopback = ("--pinentry-mode", "loopback", "--passphrase", passphrase)
            self.run(*loopback, "--quick-generate-key", f"{name}@example.com", "ed25519", "sign")
            listed = self.run("--list-keys", "--with-colons", f"{name}@example.com").decode()
            lines = [line.split(":") for line in listed.splitlines()]
            self._made[name] = next(line[9] for line in lines if line[0] == "fpr")
        return self._made[name]

    def public(self, name: str) -> bytes:
        """The public key of this name."""
        return self.run("--armor", "--export", self.fingerprint(name))
