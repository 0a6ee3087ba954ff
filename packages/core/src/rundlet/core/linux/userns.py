"""A user namespace with id maps, and more namespaces that belong to it (user_namespaces(7))."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from ..errors import InvalidArgument, StoreError
from .processes import run
from .syscalls import CLONE_NEWUSER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_STACK = 64 * 1024
_LONGEST = 60  # seconds that a process is left behind where we are killed

_libc = ctypes.CDLL(None, use_errno=True)

_INIT = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
users, *command = sys.argv[1:]
if libc.setns(os.open(users, os.O_RDONLY), 0x10000000):
    sys.exit(os.strerror(ctypes.get_errno()))
os.setgroups([]); os.setgid(0); os.setuid(0); os.chdir("/")
if libc.unshare(0x20000000):
    sys.exit(os.strerror(ctypes.get_errno()))
null = os.open("/dev/null", os.O_RDWR)
streams = [(os.POSIX_SPAWN_DUP2, null, n) for n in range(3)]
print(os.posix_spawn(command[0], command, {}, file_actions=streams, setsid=True))
"""


class UserNamespace:
    """`with UserNamespace(uids, gids) as held`: a process in the namespaces, which end with it
    where nobody has pinned, opened or joined them.

    uids, gids: the text of uid_map and gid_map, lines of "inside outside size". flags: CLONE_NEW*
    of what else is made, owned by the user namespace.

    pid: of the process. Raises StoreError where there can be none, InvalidArgument for maps that
    the kernel refuses.
    """

    def __init__(self, uids: str, gids: str, flags: int = 0) -> None:
        self._maps = {"gid": gids, "uid": uids}
        self._flags = CLONE_NEWUSER | flags | signal.SIGCHLD
        self.pid = 0

    def __enter__(self) -> UserNamespace:
        self.pid = _sleeper(self._flags)
        try:
            for kind, text in self._maps.items():
                _write_map(self.pid, kind, text)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def file(self, kind: str) -> str:
        """The path of one of its namespaces in proc(5): "user", "net", "ipc", ..."""
        return f"/proc/{self.pid}/ns/{kind}"


def _sleeper(flags: int) -> int:
    """clone(2) a process that does nothing but sleep(3).

    Not os.fork: a user namespace is for processes with one thread, and gRPC starts its threads
    again in every child. No Python runs in this one.
    """
    stack = ctypes.create_string_buffer(_STACK)
    top = (ctypes.addressof(stack) + _STACK) & ~0xF
    pid: int = _libc.clone(
        ctypes.cast(_libc.sleep, ctypes.c_void_p),
        ctypes.c_void_p(top),
        ctypes.c_int(flags),
        ctypes.c_void_p(_LONGEST),
    )
    if pid < 0:
        raise StoreError(
            f"cannot make a user namespace for an id map: {os.strerror(ctypes.get_errno())}",
            remedy="See sysctl user.max_user_namespaces.",
        )
    return pid


def start_init(users: str, command: Sequence[str]) -> int:
    """Start a program as root of a user namespace (its file) and as the first process of a pid
    namespace that this one owns; its process id. Raises StoreError.

    By a Python of its own (20 ms), which has one thread.
    """
    done = run([sys.executable, "-I", "-S", "-c", _INIT, users, *command])
    if done.code != 0:
        words = done.stderr.decode(errors="replace").strip()
        raise StoreError(f"{command[0]} cannot be started in a user namespace: {words}")
    return int(done.stdout)


def _write_map(pid: int, kind: str, text: str) -> None:
    try:
        descriptor = os.open(f"/proc/{pid}/{kind}_map", os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InvalidArgument(
            f"the kernel refuses this {kind} map: {text.strip()!r}: {error.strerror}"
        ) from error
