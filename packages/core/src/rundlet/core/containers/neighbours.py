"""Graph roots that share a run root, as `--root` alone makes them: each has the other's containers
below it, which are no strays. Each graph root has a link to itself in RUN/roots.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine

_LONGEST_NAME = 200


def note(engine: Engine) -> None:
    """Say in the run root that this graph root has something there. Raises OSError."""
    graph = engine.settings.graph_root
    directory = _directory(engine)
    path = f"{directory}/{graph.replace('/', '_')[-_LONGEST_NAME:]}"
    if os.path.lexists(path):
        return
    os.makedirs(directory, mode=0o700, exist_ok=True)
    try:
        os.symlink(graph, path)
    except FileExistsError:
        pass  # another process was faster


def others(engine: Engine) -> list[str]:
    """The other graph roots that have used the run root and are still there."""
    ours = os.path.realpath(engine.settings.graph_root)
    directory = _directory(engine)
    try:
        links = [f"{directory}/{name}" for name in os.listdir(directory)]
    except FileNotFoundError:
        return []
    roots = {os.path.realpath(link) for link in links} - {ours}
    return sorted(root for root in roots if os.path.exists(f"{root}/state.db"))


def has(engine: Engine, identity: str) -> bool:
    """Whether another graph root has the container or the pod, as far as its state can be read."""
    return any(_has(root, identity) for root in others(engine))


def _has(root: str, identity: str) -> bool:
    import sqlite3
    from urllib.parse import quote

    query = "SELECT 1 FROM containers WHERE id = ?1 UNION SELECT 1 FROM pods WHERE id = ?1"
    try:
        connection = sqlite3.connect(f"file:{quote(root)}/state.db?mode=ro", uri=True)
        try:
            return connection.execute(query, (identity,)).fetchone() is not None
        finally:
            connection.close()
    except sqlite3.Error:
        return True  # nobody takes away what may be theirs


def _directory(engine: Engine) -> str:
    return f"{engine.settings.run_root}/roots"
