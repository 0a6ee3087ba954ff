"""What OCI runtimes say when they fail, made into our errors.

runc writes logrus lines (`time="..." level=error msg="..."`), or JSON with
`--log-format json`, warnings and errors mixed, the reason last; crun writes plain text
or JSON; runsc plain text, or JSON objects without a line end between them.
"""

from __future__ import annotations

from ..contracts.runtime import called
from ..errors import CommandNotExecutable, CommandNotFound, NotFound, RuntimeFailed, WrongState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_GONE = ("does not exist", "file does not exist", "/status`: no such file", "no such container")
_NOT_RUNNING = ("container not running", "not running", "is stopped", "no such process")
# runsc's sandbox tells its reasons to its own log only.
_NO_SANDBOX = 'to see why, set args = ["--debug", "--debug-log=/tmp/runsc/"] for this runtime'
# Signs that the words are about the command: of a mount, too, "no such file" is said.
_EXECUTED = (
    'exec: "',  # runc
    "exec /",
    "executable",  # crun, runsc
    "exec container process",
    "failed to load ",  # runsc
    "execve",
)
_NOT_FOUND = ("not found in $path", "no such file or directory", "failed to load")
_USAGE = "Try `"  # what crun's reader of options says after what is wrong with them
_NOT_EXECUTABLE = (
    "permission denied",
    "is a directory",
    "operation not permitted",
    "exec format error",
    "not executable",
)


def plain(text: str) -> str:
    """The reason in a runtime's output or log, without decoration; "" for no output."""
    errors = [message for level, message in _entries(text) if level in ("error", "fatal", "panic")]
    if errors:
        return errors[-1]
    every = [message for _, message in _entries(text)]
    return every[-1] if every else ""


def failure(runtime: str, text: str, doing: str = "") -> RuntimeFailed | WrongState | NotFound:
    """The error that a runtime's output means, with the runtime's own words.

    runtime: its name. doing: what was tried ("start"), for when it said nothing.
    CommandNotFound and CommandNotExecutable are podman's exit codes 127 and 126.
    """
    words, runtime = plain(text), called(runtime)
    if not words:
        return RuntimeFailed(f"OCI runtime {runtime} failed{f' to {doing}' if doing else ''}")
    message = f"{runtime}: {words}"
    low = words.lower()
    if "chdir" in low and "no such file" in low:  # of `exec`: podman exits with 127, too
        return CommandNotFound(message, remedy="give a --workdir that the container has")
    if _executes(low):
        if any(sign in low for sign in _NOT_EXECUTABLE):
            return CommandNotExecutable(f"{message}: OCI permission denied")
        if any(sign in low for sign in _NOT_FOUND):
            return CommandNotFound(
                f"{message}: OCI runtime attempted to invoke a command that was not found"
            )
    remedy = _NO_SANDBOX if "waiting for sandbox to start" in low else ""
    return RuntimeFailed(message, remedy=remedy)


def is_gone(text: str) -> bool:
    """Whether the runtime says that it does not know the container."""
    low = plain(text).lower()
    return any(sign in low for sign in _GONE)


def is_not_running(text: str) -> bool:
    """Whether the runtime says that the container's process has ended."""
    low = plain(text).lower()
    return any(sign in low for sign in _NOT_RUNNING)


def _executes(low: str) -> bool:
    return any(sign in low for sign in _EXECUTED)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """(level, message) of each entry, in order; plain lines are errors."""
    from json import JSONDecoder

    decoder = JSONDecoder()
    for line in text.splitlines():
        rest = line.strip()
        while rest.startswith("{"):
            try:
                entry, end = decoder.raw_decode(rest)
            except ValueError:
                break
            yield str(entry.get("level", "error")), str(entry.get("msg", "")).strip()
            rest = rest[end:].strip()
        if rest.startswith("time=") and " msg=" in rest:
            yield _logrus(rest)
        elif rest and not rest.startswith(_USAGE):
            yield "error", _without_date(rest)


def _logrus(line: str) -> tuple[str, str]:
    level = line.partition(" level=")[2].partition(" ")[0]
    value = line.partition(" msg=")[2]
    if not value.startswith('"'):
        return level, value.partition(" ")[0]
    from json import JSONDecoder

    try:  # Go's quoting is JSON's, for what runtimes print
        return level, JSONDecoder().raw_decode(value)[0]
    except ValueError:
        return level, value.strip('"')


def _without_date(line: str) -> str:
    """crun with --debug puts a date before the message: 2026-11-23T14:49:51.734241Z: ..."""
    head, colon, tail = line.partition("Z: ")
    return tail if colon and len(head) < 30 and head[:4].isdecimal() and "T" in head else line
