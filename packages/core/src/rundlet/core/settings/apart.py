"""Settings read by a program of its own, for one that stays: it need not hold pydantic (12 MiB).

A program and not a fork: a server that reads its settings again has threads (fork(2)).
"""

from __future__ import annotations

import marshal
import sys

from ..errors import SettingsError
from ..linux.ourselves import program
from ..linux.processes import run
from .places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def compile_apart(environment: Mapping[str, str], places: Places) -> dict[str, Any] | None:
    """What `load.compiled` gives; None where the program fails: who does it here, sees why.

    Raises SettingsError as it does.
    """
    question = (dict(environment), places.containers, places.storage, places.rundlet)
    done = run(program(__name__), stdin=marshal.dumps(question))
    sys.stderr.write(done.stderr.decode(errors="replace"))  # warnings
    if done.code != 0 or not done.stdout:
        return None
    values, problem = marshal.loads(done.stdout)
    if problem:
        message, remedy = problem
        raise SettingsError(message, remedy=remedy)
    return dict(values)


def main() -> int:
    """The program: answers what it is asked on its standard input."""
    from .load import compiled

    environment, containers, storage, rundlet = marshal.loads(sys.stdin.buffer.read())
    try:
        values, problem = compiled(environment, Places(containers, storage, rundlet)), None
    except SettingsError as error:
        values, problem = {}, (error.message, error.remedy)
    sys.stdout.buffer.write(marshal.dumps((values, problem)))
    return 0
