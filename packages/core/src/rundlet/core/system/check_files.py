"""The database itself, volumes, temporaries, and mounts of what is not there."""

from __future__ import annotations

import os
from functools import partial

from ..linux.processes import left_partial
from ..state import leases
from ..storage.staging import abandoned, delete
from ..volumes.renaming import finish
from . import builds
from .check import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine import Engine
    from ..state.volumes import Volume


_NULL = "NULL value in "


def database(engine: Engine) -> Iterator[Problem]:
    """What SQLite says of its file, and rows that refer to what is not there."""
    for (words,) in engine.database.rows("PRAGMA integrity_check"):
        if words != "ok" and not _is_false(engine, words):
            yield Problem(f"the database {engine.settings.graph_root}/state.db: {words}")
    for table, row, parent, _ in engine.database.rows("PRAGMA foreign_key_check"):
        yield Problem(f"the database: row {row} of {table} refers to {parent} that are not there")


def _is_false(engine: Engine, words: str) -> bool:
    """SQLite 3.40 looks at the wrong columns of tables whose primary key is not in front."""
    if not words.startswith(_NULL):
        return False
    table, _, column = words.removeprefix(_NULL).partition(".")
    return not engine.database.rows(f'SELECT 1 FROM "{table}" WHERE "{column}" IS NULL LIMIT 1')


def files(engine: Engine) -> Iterator[Problem]:
    """Directories of volumes without a volume, volumes without a directory, lost secrets, old
    temporaries.
    """
    yield from _volumes(engine)
    for error in engine.secrets.damaged():
        yield Problem(str(error).replace("\n", " "))
    yield from _temporaries(engine)
    for path in builds.left_private(engine):
        yield Problem(f"{path} is of a build that was killed", partial(builds.sweep, engine))
    yield from _trials(engine)
    yield from _partial(engine)


def _volumes(engine: Engine) -> Iterator[Problem]:
    known = {volume.name for volume in engine.volumes.list()}
    directory = engine.volumes.directory
    for name in sorted(known):
        if os.path.islink(f"{directory}/{name}"):
            yield Problem(
                f"volume {name}: its renaming was cut short", partial(finish, engine, name)
            )
        if not os.path.isdir(engine.volumes.path(name)):
            yield Problem(
                f"volume {name}: its directory is gone",
                partial(engine.volumes.mount, name),
            )
    for volume in engine.volumes.list():
        if volume.layer and not engine.layers.driver.exists(volume.layer):
            yield Problem(
                f"volume {volume.name}: its writable layer is gone",
                partial(_remake, engine, volume),
            )
    for name in _names(directory):
        if os.path.islink(f"{directory}/{name}"):
            if name not in known:
                path = f"{directory}/{name}"
                yield Problem(f"{path} is of a renaming that was cut short", partial(delete, path))
        elif name not in known and not engine.volumes.exists(name):
            # A volume's row is written before its directory: this is content of one that was
            # removed, or somebody's own. A repair must not take what may be wanted.
            yield Problem(
                f"{directory}/{name} belongs to no volume; `rundlet volume create {name}` makes"
                " one of it, or remove it yourself"
            )


def _remake(engine: Engine, volume: Volume) -> None:
    from ..volumes.image import make

    with engine.locks.hold("volume", volume.name):
        make(engine, volume)


def _temporaries(engine: Engine) -> Iterator[Problem]:
    """Files of transfers whose process was killed; the next one that ends well clears them too."""
    directory = engine.blobs.temporary
    for name in _names(directory):
        if name not in leases.held(engine.database, "file") and os.path.lexists(
            os.path.join(directory, name)
        ):
            path = os.path.join(directory, name)
            message = f"{path} is of work that was killed"
            yield Problem(message, partial(delete, path), leftover=True)


def _partial(engine: Engine) -> Iterator[Problem]:
    """Files that a killed process was about to put in place (`partial_name`)."""
    settings = engine.settings
    graph, run = settings.graph_root, settings.run_root
    ours = [f"{graph}/{name}" for name in ("runtimes", "secrets", "networks")]
    ours += [f"{run}/{name}" for name in ("cache", "networks")]
    for top in (*ours, *settings.network_config_dirs):
        for directory, _, names in os.walk(top):
            for name in filter(left_partial, names):
                path = f"{directory}/{name}"
                yield Problem(f"{path} is of work that was killed", partial(delete, path))


def _trials(engine: Engine) -> Iterator[Problem]:
    """Directories in which a storage driver tried whether it works here."""
    graph = engine.settings.graph_root
    homes = [f"{graph}/{point.name}" for point in engine.plugins.available("storage")]
    for directory in (graph, *homes):
        for path in abandoned(directory):
            yield Problem(f"{path} is of a probe that was killed", partial(delete, path))


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
