"""Whether the store is whole, and repairs: `system check` (podman-system-check(1)).

Every command leaves the store so that a kill at any moment loses nothing that was committed;
what is looked for here is what the disk, the administrator or another program did to it, and
what of a killed command nobody has cleared yet.
"""

from __future__ import annotations

from ..errors import RundletError
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..engine import Engine

_BY_FORCE = ("container", "artifacts")
"""What is removed by force alone."""
_PASSES = 4  # removing a container may free an image, that a layer, that a blob


class Problem(Value):
    """Something that is not as it should be.

    message: what, in words, with its name. repair: does away with it, None where nobody can.
    loses: "container", "image" or "artifact" when its repair removes one, "artifacts" for all of
        them, else "" (nothing of a user's).
    leftover: nothing is wrong: work that was killed has left it, in nobody's way but for its
        space. The next copy goes on from it or removes it, as a prune does.
    """

    message: str
    repair: Callable[[], object] | None = None
    loses: str = ""
    leftover: bool = False


class Report(Value):
    """problems: all that was found. repaired: messages of what is no longer. left: of what is, and
    why its repair failed, if it was tried.
    """

    problems: tuple[Problem, ...]
    repaired: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def check(engine: Engine, *, quick: bool = False) -> Iterator[Problem]:
    """Everything that is wrong, what stands on other things first.

    quick: without reading every blob to compare its digest. Other processes may work meanwhile.
    """
    from . import check_artifacts, check_containers, check_files, check_images

    yield from check_files.database(engine)
    yield from check_containers.containers(engine)
    yield from check_images.images(engine, quick=quick)
    yield from check_images.layers(engine)
    yield from check_images.blobs(engine)
    yield from check_artifacts.artifacts(engine, quick=quick)
    yield from check_files.files(engine)


def repair(engine: Engine, *, quick: bool = False, force: bool = False) -> Report:
    """Check, and do away with what is wrong: half-done work, stray files, damaged images.

    force: also damaged containers, and artifacts whose names are lost: they go then. Several
    passes, because what is removed may have been all that something else was there for.
    """
    everything: list[Problem] = []
    repaired: list[str] = []
    failed: dict[str, str] = {}
    for _ in range(_PASSES):
        found = list(check(engine, quick=quick))
        everything += [one for one in found if one.message not in {p.message for p in everything}]
        done = [one.message for one in found if _repaired(one, force, failed)]
        repaired += done
        if not done:
            break
    engine.layers.collect()
    for locks in (engine.locks, engine.image_locks):
        locks.sweep()
    still = [problem.message for problem in check(engine, quick=quick)]
    gone = tuple(message for message in dict.fromkeys(repaired) if message not in still)
    left = tuple(message + failed.get(message, "") for message in still)
    return Report(tuple(everything), gone, left)


def repair_harmless(engine: Engine) -> None:
    """Do away with what nothing refers to and nobody would miss, without reading the blobs."""
    for problem in check(engine, quick=True):
        if not problem.loses:
            _repaired(problem, False, {})
    engine.layers.collect()


def _repaired(problem: Problem, force: bool, failed: dict[str, str]) -> bool:
    """failed: where to note why a repair did not work, by the problem's message."""
    if problem.repair is None or (problem.loses in _BY_FORCE and not force):
        return False
    try:
        problem.repair()
    except (RundletError, OSError) as error:
        why = error.message if isinstance(error, RundletError) else error
        failed[problem.message] = f" ({why})"
        return False
    return True
