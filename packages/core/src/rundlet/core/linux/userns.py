"""A user namespace with id maps, and more namespaces that belong to it (user_namespaces(7))."""

from __future__ import annotations

import os
import sys

from ..errors import InvalidArgument, StoreError
from .processes import run
from .spawn import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_UNSHARE = ("/usr/bin/unshare", "/bin/unshare")
_WAIT = "echo; read _"
"""What the process does: it tells that the namespaces are there, and ends when we do."""

_INIT = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
parent, users, mark, *command = sys.argv[1:]
def check(result):
    if result:
        sys.exit(os.strerror(ctypes.get_errno()))
check(libc.setns(os.open(users, os.O_RDONLY), 0x10000000))
os.setgroups([]); os.setgid(0); os.setuid(0); os.chdir("/")
check(libc.unshare(0x20000000))
check(libc.prctl(1, 9))
if os.getppid() != int(parent):
    sys.exit("nobody waits")
null = os.open("/dev/null", os.O_RDWR)
streams = [(os.POSIX_SPAWN_DUP2, null, n) for n in range(3)]
variables = dict([mark.split("=", 1)])
print(os.posix_spawn(command[0], command, variables, file_actions=streams, setsid=True))
"""
# It ends with us (PR_SET_PDEATHSIG, 1), so nothing is started for one that was killed.


class UserNamespace:
    """`with UserNamespace(uids, gids) as held`: a process in the namespaces, which end with it
    where nobody has pinned, opened or joined them.

    uids, gids: the text of uid_map and gid_map, lines of "inside outside size". kinds: what else
    is made, owned by the user namespace ("net", "ipc", "uts").

    pid: of the process. Raises StoreError where there can be none, InvalidArgument for maps that
    the kernel refuses.

    The process is unshare(1) and a shell: only one with a single thread may enter a user
    namespace, gRPC starts its threads again in what is forked, and a program that was started
    keeps none of our descriptors when we are killed.
    """

    def __init__(self, uids: str, gids: str, kinds: Sequence[str] = ()) -> None:
        self._maps = {"gid": gids, "uid": uids}
        self._kinds = kinds
        self._end = -1
        self.pid = 0

    def __enter__(self) -> UserNamespace:
        program = next((path for path in _UNSHARE if os.access(path, os.X_OK)), "")
        if not program:
            raise StoreError("unshare is not installed", remedy="apt install util-linux")
        flags = [f"--{kind}" for kind in ("user", *self._kinds)]
        stdin, self._end = os.pipe()
        words, stdout = os.pipe()
        try:
            self.pid = spawn(
                [program, *flags, "/bin/sh", "-c", _WAIT],
                directory="/",
                environment={},
                descriptors={0: stdin, 1: stdout, 2: stdout},
                session=False,
            )
        finally:
            os.close(stdin)
            os.close(stdout)
        try:
            self._ready(words)
            for kind, text in self._maps.items():
                _write_map(self.pid, kind, text)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        finally:
            os.close(words)
        return self

    def _ready(self, words: int) -> None:
        said = os.read(words, 200)
        if said != b"\n":
            reason = said.decode(errors="replace").strip()
            raise StoreError(
                f"cannot make a user namespace for an id map: {reason}",
                remedy="See sysctl user.max_user_namespaces.",
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._end)
        os.waitpid(self.pid, 0)

    def file(self, kind: str) -> str:
        """The path of one of its namespaces in proc(5): "user", "net", "ipc", ..."""
        return f"/proc/{self.pid}/ns/{kind}"


def start_init(users: str, command: Sequence[str], mark: str) -> int:
    """Start a program as root of a user namespace (its file) and as the first process of a pid
    namespace that this one owns; its process id. mark: "NAME=VALUE", all of its environment, by
    which it is found again. Raises StoreError.

    By a Python of its own (20 ms), which has one thread.
    """
    words = [str(os.getpid()), users, mark, *command]
    done = run([sys.executable, "-I", "-S", "-c", _INIT, *words])
    if done.code != 0:
        reason = done.stderr.decode(errors="replace").strip()
        raise StoreError(f"{command[0]} cannot be started in a user namespace: {reason}")
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
