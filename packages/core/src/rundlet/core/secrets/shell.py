"""The secret driver `shell`: values kept by commands of the administrator's.

Options list, lookup, store and delete are commands for sh(1), as podman's driver of this name has
them (podman-secret-create(1), SECRET DRIVERS): the id is in $SECRET_ID, a value comes by
standard input and goes by standard output.
"""

from __future__ import annotations

import os

from ..contracts.probe import Probe
from ..contracts.secrets import SecretDriver
from ..errors import InvalidArgument, NoSuchSecret, StoreError
from ..hookspecs import hookimpl
from ..linux.processes import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..linux.processes import Finished

COMMANDS = ("list", "lookup", "store", "delete")


class ShellSecrets(SecretDriver):
    """Commands that are given as options, all four of them."""

    name = "shell"
    shared = True

    def probe(self) -> Probe:
        missing = [name for name in COMMANDS if not self.options.get(name)]
        if missing:
            return Probe(
                False, f"no command for {', '.join(missing)}: --driver-opts, [secrets.opts]"
            )
        return Probe(True)

    def store(self, secret: str, data: bytes) -> None:
        done = self._run("store", secret, data)
        if done.code:
            raise _failed("store", secret, done)

    def lookup(self, secret: str) -> bytes:
        return self._of_one("lookup", secret)

    def delete(self, secret: str) -> None:
        self._of_one("delete", secret)

    def list(self) -> Sequence[str]:
        done = self._run("list", "")
        if done.code:
            raise _failed("list", "", done)
        return sorted(done.stdout.decode(errors="replace").split())

    def _of_one(self, command: str, secret: str) -> bytes:
        """What a command tells of a secret. Raises NoSuchSecret where `list` does not know it."""
        done = self._run(command, secret)
        if done.code:
            if secret not in self.list():
                raise NoSuchSecret(secret)
            raise _failed(command, secret, done)
        return done.stdout

    def _run(self, command: str, secret: str, data: bytes = b"") -> Finished:
        probe = self.probe()
        if not probe.works:
            raise InvalidArgument(f"secret driver shell: {probe.reason}")
        environment = {**os.environ, "SECRET_ID": secret} if secret else dict(os.environ)
        words = ["/bin/sh", "-c", str(self.options[command])]
        return run(words, stdin=data, environment=environment)


def _failed(command: str, secret: str, done: Finished) -> StoreError:
    said = done.stderr.decode(errors="replace").strip() or f"exit code {done.code}"
    return StoreError(f"secret driver shell: {command} {secret}".rstrip() + f": {said}")


@hookimpl
def rundlet_secret_driver(name: str, home: str, options: Mapping[str, str]) -> SecretDriver | None:
    """The factory of this driver."""
    return ShellSecrets(home, options) if name == ShellSecrets.name else None
