"""Locks of this package: flocks that others may share, and that plugins keep for us.

Two things are locked.

- The rules of the host. Plugins make bridges and shared iptables chains by "look, then make";
  two of them at once fail or make a rule twice. So the first attachment of a kind is alone
  (exclusive), and all others and all removals run side by side (shared).
- An attachment. Its lock is handed on to the plugins (a flock lasts until its last
  descriptor is closed): when we are killed in the middle, whoever cleans up waits for the
  plugin that still runs.
"""

from __future__ import annotations

import fcntl
import os
import time

from rundlet.core.errors import Busy, NetworkError
from rundlet.core.state.locks import is_current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_FIRST_WAIT = 0.001  # seconds
_LONGEST_WAIT = 0.05


class FileLock:
    """A flock on a file, held while inside `with`, which gives its descriptor.

    shared: whether others may share it, asked whenever it is tried: the answer may change
    while we wait. timeout: seconds; then Busy is raised, or with `patient=False` things are
    done without the lock. gate: a second file that everybody passes one by one, so that those
    who share cannot keep one who wants to be alone waiting for ever. passing: the file is
    removed at the end.
    """

    def __init__(
        self,
        path: str,
        timeout: float,
        *,
        shared: Callable[[], bool] | None = None,
        gate: str = "",
        passing: bool = False,
        patient: bool = True,
    ) -> None:
        self._path = path
        self._timeout = timeout
        self._shared = shared or _no
        self._gate = gate
        self._passing = passing
        self._patient = patient
        self._descriptor = -1
        self._held = False

    def __enter__(self) -> int:
        deadline = time.monotonic() + self._timeout
        gate = -1
        try:
            if self._gate:
                gate = self._locked(self._gate, _no, deadline)
            self._descriptor = self._locked(self._path, self._shared, deadline)
            self._held = True
        except Busy:
            if self._patient:
                raise
            self._descriptor = _open(self._path)
        finally:
            if gate >= 0:
                os.close(gate)
        return self._descriptor

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._passing and self._held:
            _unlink(self._path)  # while held: those who wait notice, and open the new file
        self._held = False
        os.close(self._descriptor)

    def _locked(self, path: str, shared: Callable[[], bool], deadline: float) -> int:
        wait = _FIRST_WAIT
        while True:
            how = fcntl.LOCK_SH if shared() else fcntl.LOCK_EX
            descriptor = _open(path)
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                if is_current(descriptor, path):
                    return descriptor
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    raise Busy(
                        f"networks are busy: {path} was not free for {self._timeout:g} s",
                        remedy=f"`fuser -v {path}` shows who holds it.",
                    ) from None
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)


def _no() -> bool:
    return False


def _open(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            return os.open(path, flags, 0o600)
    except OSError as error:
        raise NetworkError(f"cannot lock {path}: {error.strerror}") from error


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
