"""Artifacts: what their layout promises against its files."""

from __future__ import annotations

from functools import partial

from ..errors import Corrupt
from .check import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine


def artifacts(engine: Engine, *, quick: bool) -> Iterator[Problem]:
    """Damaged artifacts, and files that belong to none.

    A damaged one is of no use to a container, which keeps what it has mounted.
    """
    store = engine.artifacts
    try:
        for name, reason in store.damaged(quick=quick):
            yield Problem(f"artifact {name}: {reason}", partial(store.drop, name), "artifact")
        for path in store.unneeded():
            yield Problem(f"{path} belongs to no artifact", store.sweep)
    except Corrupt as error:
        yield Problem(f"artifacts: {error.message}", store.give_up, "artifacts")
