"""The secret driver `file`: one file per secret below the graph root, readable by root only.

Values are kept as they are: whoever can read the files of root can read them (podman's
driver of this name does the same). For encryption at rest, use a driver of another wheel.
"""

from __future__ import annotations

import os

from ..contracts.probe import Probe
from ..contracts.secrets import SecretDriver
from ..errors import InvalidArgument, NoSpace, NoSuchSecret, StoreError
from ..hookspecs import hookimpl
from ..linux.processes import partial_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NO_SPACE = (28, 122)  # ENOSPC, EDQUOT
_UNDER_WAY = "."  # what names of files that are being written begin with


class FileSecrets(SecretDriver):
    """Files named by id. Option `path` keeps them in another directory than `home`."""

    name = "file"
    suffix = ""
    """Of the names of files, after the id."""

    def __init__(self, home: str, options: Mapping[str, str] | None = None) -> None:
        super().__init__(home, options)
        self.directory = self.options.get("path") or str(home)
        self.shared = "path" in self.options

    def probe(self) -> Probe:
        place = self.directory
        while not os.path.lexists(place):
            place = os.path.dirname(place) or "/"
        if not os.path.isdir(place):
            return Probe(False, f"{place} is not a directory")
        if not os.access(place, os.W_OK | os.X_OK):
            return Probe(False, f"{place} cannot be written to")
        return Probe(True, details={"path": self.directory})

    def store(self, secret: str, data: bytes) -> None:
        path = self._path(secret)
        temporary = partial_name(f"{self.directory}/{_UNDER_WAY}{secret}")
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            try:
                self._write(temporary, data)
                os.replace(temporary, path)
            except BaseException:
                _unlink(temporary)
                raise
            self._sync()
        except OSError as error:
            raise self._failed("keep", secret, error) from error

    def _write(self, path: str, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(path, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _sync(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lookup(self, secret: str) -> bytes:
        try:
            with open(self._path(secret), "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise NoSuchSecret(secret) from None
        except OSError as error:
            raise self._failed("read", secret, error) from error

    def delete(self, secret: str) -> None:
        try:
            os.unlink(self._path(secret))
            self._sync()
        except FileNotFoundError:
            raise NoSuchSecret(secret) from None
        except OSError as error:
            raise self._failed("delete", secret, error) from error

    def list(self) -> Sequence[str]:
        try:
            names = os.listdir(self.directory)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StoreError(f"cannot list {self.directory}: {error.strerror}") from error
        return sorted(
            name.removesuffix(self.suffix)
            for name in names
            if not name.startswith(_UNDER_WAY) and name.endswith(self.suffix)
        )

    def _path(self, secret: str) -> str:
        if not secret or "/" in secret or "\0" in secret or secret.startswith(_UNDER_WAY):
            raise InvalidArgument(f"{secret!r} cannot be the id of a secret")
        return f"{self.directory}/{secret}{self.suffix}"

    def _failed(self, what: str, secret: str, error: OSError) -> StoreError | NoSpace:
        kind = NoSpace if error.errno in _NO_SPACE else StoreError
        return kind(f"cannot {what} secret {secret} in {self.directory}: {error.strerror}")


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


@hookimpl
def rundlet_secret_driver(name: str, home: str, options: Mapping[str, str]) -> SecretDriver | None:
    """The factory of this driver."""
    return FileSecrets(home, options) if name == FileSecrets.name else None
