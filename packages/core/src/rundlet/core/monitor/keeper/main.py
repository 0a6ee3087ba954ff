"""The keeper's program: becomes a daemon, does the one job that it was given, and ends.

PYTHON -P -c "from ...main import main; main()" --cuuid UNIQUE JOB_FILE
"""

from __future__ import annotations

import json
import os
import sys

from ...errors import RundletError
from ..program import PID_FILE
from . import container, session
from .pipes import Pipes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Do the job; its failure is told to the starter."""
    with open(sys.argv[-1], encoding="utf-8") as file:
        job: dict[str, Any] = json.load(file)
    pipes = Pipes()
    pipes.wait()
    child = os.fork()
    if child:
        with open(f"{job['run_dir']}/{PID_FILE}", "w", encoding="ascii") as file:
            file.write(str(child))
        os._exit(0)
    _detach()
    work = container.keep if job["kind"] == "create" else session.keep
    try:
        work(job, pipes)
    except RundletError as error:
        pipes.answer(-1, str(error))
    except BaseException:
        import traceback

        trace = traceback.format_exc()
        with open(f"{job['run_dir']}/monitor.err", "w", encoding="utf-8") as file:
            file.write(trace)
        pipes.answer(-1, f"the monitor failed: {trace.strip().splitlines()[-1]}")
        raise SystemExit(1) from None


def _detach() -> None:
    """Nothing is read from the starter's streams, nor written there, from now on."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
