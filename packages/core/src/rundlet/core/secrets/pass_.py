"""The secret driver `pass`: a file per secret, encrypted by gpg, in a store of pass(1).

Options as podman's driver of this name has them: root, the directory (else
$PASSWORD_STORE_DIR or ~/.password-store); key, whom to encrypt for (else what root/.gpg-id
says); gpghomedir, gpg's directory.
"""

from __future__ import annotations

import os
import shutil

from ..contracts.probe import Probe
from ..errors import InvalidArgument, NotFound, StoreError
from ..hookspecs import hookimpl
from ..linux.processes import run
from .file import FileSecrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contracts.secrets import SecretDriver


class PassSecrets(FileSecrets):
    """Files ID.gpg beside the user's own passwords, which are never touched."""

    name = "pass"
    suffix = ".gpg"

    def __init__(self, home: str, options: Mapping[str, str] | None = None) -> None:
        super().__init__(home, options)
        usual = os.environ.get("PASSWORD_STORE_DIR") or os.path.expanduser("~/.password-store")
        self.directory = self.options.get("root") or usual
        self.shared = True

    def probe(self) -> Probe:
        if not shutil.which("gpg"):
            return Probe(False, "gpg is not installed")
        if not self._key():
            return Probe(False, f"no key: neither the option key nor {self.directory}/.gpg-id")
        return super().probe()

    def store(self, secret: str, data: bytes) -> None:
        key = self._key()
        if not key:
            raise InvalidArgument(
                f"secret driver pass: there is no key to encrypt for in {self.directory}/.gpg-id",
                remedy="Give --driver-opts key=ID, or run `pass init ID`.",
            )
        super().store(secret, self._gpg("--encrypt", "--recipient", key, data=data))

    def lookup(self, secret: str) -> bytes:
        return self._gpg("--decrypt", data=super().lookup(secret))

    def _key(self) -> str:
        """Whom to encrypt for, "" if nobody says."""
        if self.options.get("key"):
            return self.options["key"]
        try:
            with open(os.path.join(self.directory, ".gpg-id"), encoding="utf-8") as file:
                return file.readline().strip()
        except OSError:
            return ""

    def _gpg(self, *words: str, data: bytes) -> bytes:
        program = shutil.which("gpg")
        if program is None:
            raise NotFound("gpg is not installed", remedy="Install it (Debian: gnupg).")
        home = self.options.get("gpghomedir", "")
        where = ("--homedir", home) if home else ()
        done = run([program, *where, "--batch", "--quiet", *words], stdin=data)
        if done.code:
            said = done.stderr.decode(errors="replace").strip() or f"exit code {done.code}"
            raise StoreError(f"secret driver pass: {said}")
        return done.stdout


@hookimpl
def rundlet_secret_driver(name: str, home: str, options: Mapping[str, str]) -> SecretDriver | None:
    """The factory of this driver."""
    return PassSecrets(home, options) if name == PassSecrets.name else None
