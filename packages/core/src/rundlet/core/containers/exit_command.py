"""The exit command: what conmon runs when a container's process has ended.

    sh -c SCRIPT sh RUN_DIR PYTHON ... ROOT RUNROOT ID

The shell first waits for the lock on RUN_DIR/attended, which the process that started
the container, or watches it in the foreground, holds. That one cleans up itself,
and then RUN_DIR/live is gone: Python is not even started. If it was killed, the kernel
released the lock, and all is done here.
"""

from __future__ import annotations

import os
import sys

from ..linux.ourselves import program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..errors import RundletError

_SCRIPT = """\
exec 9<"$1/attended" || exit 0
flock 9
[ -e "$1/live" ] || exit 0
exec 9<&-
shift
exec "$@"
"""
_FLOCK = ("/usr/bin/flock", "/bin/flock", "/usr/sbin/flock")


def exit_command(engine: Engine, container: str, run: str) -> tuple[str, ...]:
    """The argv for the monitor."""
    settings = engine.settings
    work = (*program(__name__), settings.graph_root, settings.run_root, container)
    if not any(os.access(path, os.X_OK) for path in _FLOCK):
        return work
    return ("/bin/sh", "-c", _SCRIPT, "sh", run, *work)


def main() -> int:
    """Clean up after the container in argv; the exit code.

    Nobody reads what is printed here: an error is left in RUN/containers/ID/cleanup.err.
    """
    from ..errors import NoSuchContainer, RundletError
    from . import helpers
    from .restart import again

    root, runroot, container = sys.argv[1:4]
    try:
        with helpers.engine(root, runroot) as engine:
            engine.containers.cleanup(container)
            again(engine, container)
    except NoSuchContainer:
        return 0
    except RundletError as error:
        leave_word(f"{runroot}/containers/{container}/cleanup.err", error)
        return error.exit_code
    return 0


def leave_word(path: str, error: RundletError) -> None:
    """Write an error to a file: nobody reads what this process says."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{error}\n")
    except OSError:
        pass
