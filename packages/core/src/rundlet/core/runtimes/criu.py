"""CRIU, the program that writes processes to files and back (criu.org), as runtimes start it.

They find it by PATH. Which kernels it knows depends on its release: one that is older than the
kernel often fails at once, so it is asked (`criu check`).
"""

from __future__ import annotations

from .facts import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..contracts.runtime import Checkpointing

_known: dict[str, str] = {}


def problem() -> str:
    """Why nothing can be checkpointed here; "" when CRIU works. Asked once per process (0.1 s)."""
    path = find(("criu",))
    if not path:
        return "criu is not installed"
    if path not in _known:
        _known[path] = _check(path)
    return _known[path]


def _check(path: str) -> str:
    from ..linux.processes import run

    try:
        done = run([path, "check"])
    except OSError as error:
        return f"{path}: {error.strerror}"
    if done.code == 0:
        return ""
    words = errors((done.stdout + done.stderr).decode(errors="replace").splitlines())
    return f"criu check: {words or f'exit code {done.code}'}"


def flags(options: Checkpointing) -> list[str]:
    """The flags of runc's `checkpoint`, which the others have too (runc-checkpoint(8))."""
    found = [f"--image-path={options.image}", f"--work-path={options.work}"]
    found += [
        flag
        for flag, wanted in (
            ("--leave-running", options.leave_running),
            ("--tcp-established", options.tcp_established),
            ("--file-locks", options.file_locks),
            ("--pre-dump", options.pre),
        )
        if wanted
    ]
    if options.parent:
        found.append(f"--parent-path={options.parent}")
    return found


_SUMMARIES = "criu/cr-"
"""Its sources that say at the end that all has failed; why, one that they call has said before."""


def errors(lines: Iterable[str]) -> str:
    """The error of CRIU's output or log that says why, without where in its source it is.

    "" for none.
    """
    reason = summary = ""
    for line in lines:
        head, mark, text = line.partition("Error (")
        if mark and len(head) < 40:
            said = text.partition("): ")[2].strip() or text.strip()
            if text.startswith(_SUMMARIES):
                summary = said
            else:
                reason = said
    return reason or summary


def error_in(log: str) -> str:
    """The error in a log file of CRIU that says why; "" when there is no such file."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            return errors(file)
    except OSError:
        return ""
