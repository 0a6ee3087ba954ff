"""Network namespaces pinned to a file, as `ip netns add` does (ip-netns(8))."""

from __future__ import annotations

import os

from ..errors import NetworkError
from ..linux import syscalls

_IFF_UP = 0x1
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_SELF = "/proc/thread-self/ns/net"  # unshare and setns move one thread, not the process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


def create_namespace(path: str, made: str = "") -> None:
    """Make a network namespace, its loopback up, and pin it to a new file at `path`.

    made: the file of one that was made elsewhere (in a user namespace), to be pinned instead.
    Raises NetworkError; nothing is left then.
    """
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
    except FileExistsError:
        raise NetworkError(
            f"network namespace {path} exists already", remedy=f"unmount and remove {path}"
        ) from None
    except OSError as error:
        raise NetworkError(f"no network namespace at {path}: {error.strerror}") from error
    try:
        if made:
            syscalls.mount(made, path, flags=syscalls.MS_BIND)
            with Inside(path):
                _loopback_up()
        else:
            _pin_new(path)
    except OSError as error:
        remove_namespace(path)
        raise NetworkError(f"no network namespace at {path}: {error.strerror}") from error


def _pin_new(path: str) -> None:
    before = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.unshare(syscalls.CLONE_NEWNET)
        try:
            _loopback_up()
            syscalls.mount(_SELF, path, flags=syscalls.MS_BIND)
        finally:
            syscalls.setns(before, syscalls.CLONE_NEWNET)
    finally:
        os.close(before)


def _loopback_up() -> None:
    """netdevice(7): struct ifreq is 16 bytes of name, then the flags in a union of 24."""
    from _socket import AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, socket  # `socket` costs 2 ms
    from fcntl import ioctl

    query = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC)
    try:
        request = bytearray(b"lo".ljust(40, b"\0"))
        ioctl(query.fileno(), _SIOCGIFFLAGS, request)
        request[16] |= _IFF_UP
        ioctl(query.fileno(), _SIOCSIFFLAGS, request)
    finally:
        query.close()


def remove_namespace(path: str) -> None:
    """Unpin a namespace; it ends with the last process in it. Nothing happens if it is gone.

    Raises NetworkError.
    """
    try:
        syscalls.unmount(path, syscalls.MNT_DETACH)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != 22:  # EINVAL: not a mount (any more): a file left by a killed process
            raise NetworkError(f"cannot unmount {path}: {error.strerror}") from error
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise NetworkError(f"cannot remove {path}: {error.strerror}") from error


class Inside:
    """This thread in a network namespace, while inside `with`; others stay where they are.

    Sockets keep the namespace they were made in. Raises OSError when it is gone.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._before = -1

    def __enter__(self) -> None:
        there = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._before = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
            try:
                syscalls.setns(there, syscalls.CLONE_NEWNET)
            except BaseException:
                os.close(self._before)
                raise
        finally:
            os.close(there)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            syscalls.setns(self._before, syscalls.CLONE_NEWNET)
        finally:
            os.close(self._before)
