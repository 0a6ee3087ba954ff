"""A command that is killed at a step of its own: what kill -9 leaves there, without any chance."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping

# Runs a program's `main`; it dies instead of calling a function for the n-th time.
_VICTIM = """
import os, sys
from importlib import import_module

program, at, left = sys.argv[1:4]
del sys.argv[1:4]
module, _, path = at.partition(":")
*owners, name = path.split(".")
owner = import_module(module)
for each in owners:
    owner = getattr(owner, each)
real, calls = getattr(owner, name), iter(range(int(left) - 1))

def deadly(*arguments, **options):
    if next(calls, None) is None:
        os.kill(os.getpid(), 9)
    return real(*arguments, **options)

setattr(owner, name, deadly)
sys.exit(import_module(program).main())
"""


def killed_at(
    at: str,
    *words: str,
    environment: Mapping[str, str],
    call: int = 1,
    program: str = "rundlet.cli.main",
) -> None:
    """Run a command that SIGKILL ends just before it calls `at` ("module:function").

    call: for the how manieth time. program: the module whose `main` is the command. Fails where it
    ends otherwise.
    """
    done = subprocess.run(
        [sys.executable, "-c", _VICTIM, program, at, str(call), *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, f"{at} was not reached: {done.stderr}"
