"""What builds keep beside images, and what killed ones left: who removes or counts it.

`GRAPH/build/caches/NAME` is a directory of `RUN --mount=type=cache`; a RUN that has it holds a
flock on `NAME.lock` beside it. `RUN/build/OWNER.*` has the secrets of a RUN. Its container has
a label that says whose it is.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager

from ..errors import NoSuchContainer
from ..json import loads
from ..linux.processes import alive, start_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine

LABEL = "io.rundlet.build"
"""On the container of a RUN, so that `ps --filter label=...` tells it from others: its owner."""
LOCK = ".lock"


def cache_directory(engine: Engine) -> str:
    """Where the caches are."""
    return os.path.join(engine.settings.graph_root, "build", "caches")


def caches(engine: Engine) -> list[tuple[str, bool]]:
    """The directory of each cache, and whether a RUN has it just now."""
    found = []
    for name in _names(engine):
        path = os.path.join(cache_directory(engine), name)
        if os.path.isdir(path):
            with _taken(path) as ours:
                found.append((path, not ours))
    return found


def prune_caches(engine: Engine) -> None:
    """Remove all caches but those that a RUN has just now, and what killed builds have left.

    Their locks stay: somebody may be about to take one.
    """
    import shutil  # slow to import

    home = cache_directory(engine)
    listed = os.listdir(home) if os.path.isdir(home) else []
    for name in _names(engine):
        with _taken(os.path.join(home, name)) as ours:
            for entry in listed if ours else ():
                if entry.partition(".")[0] == name and not entry.endswith(LOCK):
                    shutil.rmtree(os.path.join(home, entry))


def sweep(engine: Engine) -> list[str]:
    """Remove the containers and secrets of builds that were killed; the containers' ids."""
    gone = [identity for identity, owner in containers(engine) if is_dead(owner)]
    for identity in gone:
        remove(engine, identity)
    for path in left_private(engine):
        import shutil  # slow to import

        shutil.rmtree(path, ignore_errors=True)
    return gone


def left_private(engine: Engine) -> list[str]:
    """The directories with secrets of builds that were killed."""
    private = private_directory(engine)
    names = os.listdir(private) if os.path.isdir(private) else ()
    return [os.path.join(private, name) for name in names if is_dead(name.partition(".")[0])]


def containers(engine: Engine) -> list[tuple[str, str]]:
    """(id, owner) of the containers of builds."""
    found = engine.database.rows(
        "SELECT id, labels FROM containers WHERE labels LIKE ?", f"%{LABEL}%"
    )
    return [(identity, str(loads(labels).get(LABEL, ""))) for identity, labels in found]


def remove(engine: Engine, name: str) -> None:
    """Remove the container of a RUN, if it is there."""
    try:
        engine.containers.remove(name, force=True, timeout=0)
    except NoSuchContainer:
        return


def private_directory(engine: Engine) -> str:
    """Where secrets are while a RUN sees them: below the run root, which is in memory."""
    return os.path.join(engine.settings.run_root, "build")


def ourselves() -> str:
    """This process, as a label or a file name says it: its id and when it started."""
    return f"{os.getpid()}:{start_time(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether a process that `ourselves` named is gone."""
    pid, _, started = owner.partition(":")
    return pid.isdecimal() and started.isdecimal() and not alive(int(pid), int(started))


def _names(engine: Engine) -> list[str]:
    home = cache_directory(engine)
    listed = sorted(os.listdir(home)) if os.path.isdir(home) else []
    return [entry.removesuffix(LOCK) for entry in listed if entry.endswith(LOCK)]


@contextmanager
def _taken(path: str) -> Iterator[bool]:
    """Hold a cache, if no RUN has it; whether we do."""
    lock = os.open(f"{path}{LOCK}", os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = True
        except BlockingIOError:
            ours = False
        yield ours
    finally:
        os.close(lock)
