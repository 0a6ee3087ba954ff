"""A volume gets another name: its row and its directory, which is never without a row.

While the row changes, the new name is a link to the old directory; then the two change places,
and the link goes. A kill leaves at most a link, which the next renaming or `system check` clears.
"""

from __future__ import annotations

import os

from ..errors import AlreadyExists, InUse, WrongState
from ..linux.mounts import is_mounted
from ..linux.syscalls import exchange
from ..state import volumes as rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine


def rename(engine: Engine, name: str, new: str) -> None:
    """Rename a volume that is there to a good name; an anonymous one is not that any more.

    Raises InUse, WrongState for one that is mounted, AlreadyExists.
    """
    if new == name:
        raise AlreadyExists(f"volume with name {new} already exists: volume already exists")
    first, second = sorted((name, new))
    with engine.locks.hold("volume", first), engine.locks.hold("volume", second):
        if is_mounted(engine.volumes.path(name)):
            raise WrongState(f"volume {name} is mounted: unmount it before it is renamed")
        directory = os.path.join(engine.volumes.directory, new)
        if engine.volumes.exists(new):
            raise AlreadyExists(f"volume with name {new} already exists: volume already exists")
        if os.path.isdir(directory) and not os.path.islink(directory):
            raise AlreadyExists(f"{directory} is there already, though of no volume")
        finish(engine, name)
        _link(name, directory)
        try:
            _rename_row(engine, name, new)
        except InUse:
            os.unlink(directory)
            raise
        finish(engine, new)


def _rename_row(engine: Engine, name: str, new: str) -> None:
    with engine.database.transaction():
        if users := engine.volumes.users(name):
            raise InUse(
                f"volume {name} is being used by the following container(s):"
                f" {', '.join(users)}: volume is being used"
            )
        rows.rename(engine.database, name, new)


def finish(engine: Engine, name: str) -> None:
    """Give a volume its directory, where only a link to it has the volume's name."""
    path = os.path.join(engine.volumes.directory, name)
    if os.path.islink(path):
        old = os.path.join(engine.volumes.directory, os.readlink(path))
        exchange(old, path)
        os.unlink(old)


def _link(target: str, path: str) -> None:
    try:
        os.symlink(target, path)
    except FileExistsError:  # of a renaming that was killed before its row had changed
        os.unlink(path)
        os.symlink(target, path)
