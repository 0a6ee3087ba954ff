"""One call of a CNI plugin: a process, its JSON, and its errors (CNI specification, section 2)."""

from __future__ import annotations

import os

from rundlet.core.errors import NetworkError
from rundlet.core.json import dumps, loads
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

TIMEOUT = 60.0
"""Seconds that one plugin may take, unless the setting `timeout` says otherwise."""

PACKAGES = "containernetworking-plugins"
"""The Debian package of the plugins."""

_ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin"  # where plugins find iptables
_SIGKILL, _SIGPIPE, _SIGXFSZ = 9, 13, 25  # `signal` imports enum
_LONGEST_WORDS = 2000  # characters of a plugin's stderr in a message


class PluginFailed(NetworkError):
    """A plugin refused: names network and plugin, and has the plugin's own code and words.

    code: of the specification's section 5, 0 where the plugin gave none.
    """

    def __init__(self, message: str, *, code: int = 0, words: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
        self.words = words


class Call(Value):
    """What a plugin is told in its environment (specification, section 2, "Parameters")."""

    command: str
    container: str = ""
    namespace: str = ""
    interface: str = ""
    arguments: str = ""


class Executor:
    """Finds and runs plugin binaries.

    keep: descriptors that plugins inherit: the lock on the attachment (see locks).
    """

    def __init__(self, directories: Sequence[str], timeout: float = TIMEOUT) -> None:
        self.directories = tuple(directories)
        self.timeout = timeout
        self.keep: tuple[int, ...] = ()
        self._found: dict[str, str] = {}

    def find(self, kind: str) -> str:
        """The binary of a plugin type. Raises NetworkError saying where it was looked for."""
        if kind not in self._found:
            path = self.search(kind)
            if not path:
                raise NetworkError(
                    f'failed to find plugin "{kind}" in path [{" ".join(self.directories)}]',
                    remedy=f"Install it: apt-get install {PACKAGES}",
                )
            self._found[kind] = path
        return self._found[kind]

    def search(self, kind: str) -> str:
        """The binary of a plugin type, "" where there is none."""
        for directory in self.directories:
            path = os.path.join(directory, kind)
            if os.access(path, os.X_OK) and os.path.isfile(path):
                return path
        return ""

    def run(self, network: str, config: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """Call a plugin and give its answer ({} for none). Raises PluginFailed."""
        kind = config["type"]
        path = self.find(kind)
        where = f'network "{network}": plugin "{kind}" failed ({call.command.lower()})'
        data = dumps(config, separators=(",", ":")).encode()
        code, out, err = self._start(path, data, self._environment(call))
        if code is None:
            raise PluginFailed(
                f"{where}: no answer within {self.timeout:g} s; it was killed",
                remedy=f"Raise timeout in [plugins.cni] of rundlet.toml, or see why {path} hangs.",
            )
        answer = _object(out)
        if code == 0:
            if answer is None and out.strip():
                raise PluginFailed(f"{where}: its answer is no JSON object: {_text(out)}")
            return answer or {}
        raise _failure(where, code, answer, err or out)

    def versions(self, kind: str) -> list[str]:
        """The versions of the specification that a plugin speaks. Raises NetworkError."""
        config = {"type": kind, "cniVersion": "1.0.0"}
        found = self.run("", config, Call("VERSION")).get("supportedVersions")
        return [str(version) for version in found] if isinstance(found, list) else []

    def _start(
        self, path: str, data: bytes, environment: Mapping[str, str]
    ) -> tuple[int | None, bytes, bytes]:
        try:
            return _run(path, data, environment, self.timeout, self.keep)
        except OSError as error:
            raise NetworkError(f"cannot run {path}: {error.strerror}") from error

    def _environment(self, call: Call) -> dict[str, str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CNI_")}
        path = environment.get("PATH", "/usr/bin:/bin")
        environment["PATH"] = f"{path}:{_ADMIN_PATH}"
        environment["CNI_COMMAND"] = call.command
        environment["CNI_PATH"] = ":".join(self.directories)
        environment["CNI_CONTAINERID"] = call.container
        environment["CNI_NETNS"] = call.namespace
        environment["CNI_IFNAME"] = call.interface
        environment["CNI_ARGS"] = call.arguments
        return environment


def _failure(where: str, code: int, answer: dict[str, Any] | None, words: bytes) -> PluginFailed:
    """The error of a plugin that did not exit with 0."""
    if answer and ("msg" in answer or "code" in answer):
        said = ": ".join(str(answer[key]) for key in ("msg", "details") if answer.get(key))
        number = answer.get("code")
        number = number if isinstance(number, int) else 0
        return PluginFailed(f"{where}: {said} (code {number})", code=number, words=said)
    if code < 0:
        return PluginFailed(f"{where}: killed by signal {-code} {_text(words)}".rstrip())
    return PluginFailed(f"{where}: exit code {code}: {_text(words) or 'it said nothing'}")


def _object(data: bytes) -> dict[str, Any] | None:
    """A JSON object; None for anything else."""
    try:
        found = loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(data: bytes) -> str:
    return data.decode(errors="replace").strip()[-_LONGEST_WORDS:]


def _run(
    path: str,
    data: bytes,
    environment: Mapping[str, str],
    timeout: float,
    keep: Sequence[int],
) -> tuple[int | None, bytes, bytes]:
    """Exit code (negative: signal; None: killed at the deadline), stdout and stderr.

    posix_spawn as `core.linux.processes.run`, with a deadline; in a process group of its own,
    so that what the plugin started (host-local, iptables) ends with it, and an interrupt at
    the terminal does not tear it down halfway.
    """
    files = [os.memfd_create(name, os.MFD_CLOEXEC) for name in ("stdin", "stdout", "stderr")]
    try:
        os.write(files[0], data)
        os.lseek(files[0], 0, os.SEEK_SET)
        actions = [(os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate(files)]
        actions += [(os.POSIX_SPAWN_DUP2, fd, fd) for fd in keep]
        pid = os.posix_spawn(
            path,
            [path],
            environment,
            file_actions=actions,
            setpgroup=0,
            setsigdef=(_SIGPIPE, _SIGXFSZ),
        )
        code = _wait(pid, timeout)
        return code, _content(files[1]), _content(files[2])
    finally:
        for fd in files:
            os.close(fd)


def _wait(pid: int, timeout: float) -> int | None:
    """Reap a child; kill its group at the deadline or when we are interrupted."""
    from select import POLLIN, poll

    process = os.pidfd_open(pid)
    ended = False
    try:
        waiting = poll()
        waiting.register(process, POLLIN)
        ended = bool(waiting.poll(timeout * 1000))
    finally:
        os.close(process)
        if not ended:
            os.killpg(pid, _SIGKILL)
        status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status) if ended else None


def _content(descriptor: int) -> bytes:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    return os.pread(descriptor, size, 0)
