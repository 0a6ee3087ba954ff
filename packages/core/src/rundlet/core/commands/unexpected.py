"""Errors that no part has turned into a typed one: the machine's, or defects of ours."""

from __future__ import annotations

import errno
import os
import sys

from ..errors import RundletError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .context import Parsed
    from .declare import Program

# What the machine may say at any point of any verb; everything else is a defect.
_MACHINE = {
    errno.ENOSPC: "Free some space (df; inodes: df -i), and run it again.",
    errno.EDQUOT: "Free some space or raise the quota, and run it again.",
    errno.EROFS: "See --root and --runroot.",
    errno.EACCES: "Run as root.",
    errno.EPERM: "Run as root.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n).",
    errno.ENFILE: "Close some programs, and run it again.",
    errno.ENOMEM: "Close some programs, and run it again.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EISDIR: "A file belongs there: move the directory away.",
    errno.ENOTDIR: "A directory belongs there: move the file away.",
    errno.EFBIG: "Raise the limit of a file's size (ulimit -f).",
    errno.EIO: "A disk or file system is failing: see dmesg.",
}
# How Python and the loader say that memory, or a limit on threads, is at its end.
_MEMORY = ("can't start new thread", "failed to map segment", "Cannot allocate memory")


def report(program: Program, error: Exception, options: Parsed, *, debug: bool) -> int:
    """Say it in a line or two; the exit code. The traceback goes to a file, or is shown.

    options: the program's.
    """
    if debug:
        show(error)
    if isinstance(error, OSError) and error.errno in _MACHINE:
        where = error.filename or _full(error.errno, options)
        what = f"{where}: " if where else ""
        sys.stderr.write(f"Error: {what}{error.strerror}\n{_MACHINE[error.errno]}\n")
    elif isinstance(error, FileNotFoundError) and not _here():
        sys.stderr.write("Error: the working directory is not there any more\nGo to another one.\n")
    elif isinstance(error, UnicodeEncodeError) and _is_raw(error):
        word = os.fsencode(error.object)
        sys.stderr.write(f"Error: not UTF-8: {word!r}\nNames and values are text: type them so.\n")
    elif any(words in str(error) for words in _MEMORY):
        sys.stderr.write(f"Error: out of memory: {error}\n{_MACHINE[errno.ENOMEM]}\n")
    else:
        sys.stderr.write(f"Error: {_one_line(error)}\n")
        if not debug:
            _keep(program, error)
    return 125


def _full(number: int, options: Parsed) -> str:
    """The root on whose disk nothing can be written; errors of writing do not name their file."""
    if number not in (errno.ENOSPC, errno.EDQUOT):
        return ""
    from ..settings.load import from_options
    from ..state.opening import refusal

    try:
        settings = from_options(options)
    except RundletError:
        return ""
    roots = (settings.run_root, settings.graph_root)
    return next((root for root in roots if refusal(root) == number), "")


def _here() -> bool:
    try:
        return bool(os.getcwd())
    except OSError:
        return False


def _is_raw(error: UnicodeEncodeError) -> bool:
    """Whether it is about bytes of the command line that are no text (PEP 383)."""
    return all("\udc80" <= letter <= "\udcff" for letter in error.object[error.start : error.end])


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def show(error: Exception) -> None:
    """The traceback, for who asked for it (--log-level=debug)."""
    import traceback

    sys.stderr.write("".join(traceback.format_exception(error)))


def _keep(program: Program, error: Exception) -> None:
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix=f"{program.name}-error-", suffix=".txt", delete=False
        ) as file:
            file.write(f"{sys.argv}\n{sys.version}\n")
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        sys.stderr.write("Run again with --log-level=debug to see where it happened.\n")
        return
    sys.stderr.write(f"This is a defect of {program.name}; details are in {file.name}\n")
