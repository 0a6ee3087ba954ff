"""Volumes: directories that outlive containers. What `engine.volumes` is."""

from __future__ import annotations

import os
import time

from ..errors import AlreadyExists, AmbiguousName, InUse, NoSuchVolume
from ..state import volumes as rows
from ..state.volumes import Volume
from ..value import EMPTY
from . import options as options_of
from .notify import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..engine import Engine
    from ..streams import ReadableFile, Writable


class Volumes:
    """The volumes of one graph root: `GRAPH/volumes/NAME/_data`, or below `volume_path`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.directory = engine.settings.volume_path or f"{engine.settings.graph_root}/volumes"

    # --- making and finding

    def create(
        self,
        name: str = "",
        *,
        driver: str = "local",
        labels: Mapping[str, str] = EMPTY,
        options: Mapping[str, str] = EMPTY,
        anonymous: bool = False,
    ) -> Volume:
        """Make a volume; without a name it gets a random one, and is anonymous.

        options: podman volume create's: type, device, o (mount(8)), copy, nocopy; of the driver
        `image`: image. Raises AlreadyExists, InvalidArgument for a bad name or option,
        NoSuchImage, NotSupported.
        """
        anonymous = anonymous or not name
        name = name or os.urandom(32).hex()
        options_of.check(name, driver, options)
        volume = Volume(
            name, driver, anonymous, time.time_ns(), dict(labels), dict(options),
            copied_up="nocopy" in options,
        )  # fmt: skip
        if driver == "image":
            from .image import over

            volume = over(volume, self._engine.images.get(options["image"]))
        database = self._engine.database
        with self._engine.locks.hold("volume", name):
            with database.transaction():
                if not rows.insert(database, volume):
                    raise AlreadyExists(
                        f"volume with name {name} already exists: volume already exists"
                    )
                event(self._engine, "create", volume)
            self._make_directory(volume)
        if volume.layer:
            self._make_layer(volume)
        return volume

    def ensure(self, name: str, *, anonymous: bool = False) -> bool:
        """Make a volume where there is none of this name; whether it was made."""
        if rows.get(self._engine.database, name) is not None:
            return False
        try:
            self.create(name, anonymous=anonymous)
        except AlreadyExists:  # another process was first
            return False
        return True

    def get(self, name: str) -> Volume:
        """By name, or the beginning of one. Raises NoSuchVolume, AmbiguousName."""
        exact = rows.get(self._engine.database, name)
        if exact is not None:
            return exact
        found = rows.starting_with(self._engine.database, name) if name else []
        if len(found) > 1:
            raise AmbiguousName(
                f'more than one result for volume name "{name}": volume already exists'
            )
        if not found:
            raise NoSuchVolume(name)
        return found[0]

    def exists(self, name: str) -> bool:
        """Whether there is a volume of exactly this name."""
        return rows.get(self._engine.database, name) is not None

    def list(self) -> tuple[Volume, ...]:
        """All, by name."""
        return tuple(rows.starting_with(self._engine.database, ""))

    def users(self, name: str) -> tuple[str, ...]:
        """Ids of the containers that use a volume."""
        return tuple(rows.users(self._engine.database, name))

    def path(self, name: str) -> str:
        """Where a volume's content is; see `mount`."""
        return os.path.join(self.directory, name, "_data")

    def inspect(self, volume: Volume) -> dict[str, Any]:
        """What `podman volume inspect` prints."""
        from .inspect import inspect

        return inspect(volume, self.path(volume.name))

    # --- using

    def mount(self, name: str) -> str:
        """The directory to bind into a container, with what the volume has to show mounted there.

        Raises NoSuchVolume, StoreError when mount(8) fails.
        """
        volume = rows.get(self._engine.database, name)
        if volume is None:
            raise NoSuchVolume(name)
        path = self.path(name)
        if not os.path.isdir(path):  # a kill came between its row and its directory
            self._make_directory(volume)
        if options_of.is_mounted_by_us(volume):
            from .mounting import mount

            with self._engine.locks.hold("volume", name):
                mount(self._engine, volume, path)
        return path

    def unmount(self, name: str) -> None:
        """Undo `mount`, for the last container that runs with it. Not mounted is no error."""
        from .mounting import unmount

        volume = rows.get(self._engine.database, name)
        if volume is not None:
            unmount(self._engine, volume, self.path(name))

    def copy_up(
        self,
        name: str,
        rootfs: str,
        destination: str,
        owner: Callable[[], tuple[int, int]],
        *,
        content: bool = True,
    ) -> None:
        """Fill a new, empty volume with what the image has at `destination`.

        As podman does: until there was something to copy; content, owners, modes, xattrs and
        links; the volume's own directory takes after the image's, or is given to `owner` (uid and
        gid on the host) where the image has none. Links in `destination` are followed inside of
        `rootfs` only. content: False (`nocopy`) for the directory alone.
        """
        volume = rows.get(self._engine.database, name)
        if volume is None:
            raise NoSuchVolume(name)
        nocopy = "nocopy" in volume.options
        if volume.copied_up and not nocopy:
            return
        from .copy_up import copy_up

        given = options_of.owner(volume.options)
        fixed = given if any(number is not None for number in given) else None
        with self._engine.locks.hold("volume", name):
            if self.get(name).copied_up and not nocopy:
                return
            if copy_up(
                self.path(name), rootfs, destination,
                owner=owner, fixed=fixed, content=content and not nocopy,
            ):  # fmt: skip
                rows.mark_copied_up(self._engine.database, name)

    # --- as archives

    def export(self, name: str, out: Writable) -> tuple[str, ...]:
        """Write a volume's content as an uncompressed tar; warnings about what changed meanwhile.

        Raises NoSuchVolume, NoSpace, StoreError.
        """
        from .archive import write

        return write(self.mount(self.get(name).name), out)

    def import_(self, name: str, stream: ReadableFile) -> None:
        """Unpack a tar, compressed or not, over what is in a volume.

        A bad archive changes nothing. Raises NoSuchVolume, Corrupt, UnsafeArchive, NoSpace.
        """
        from .archive import read

        volume = self.get(name)
        path = self.mount(volume.name)
        with self._engine.locks.hold("volume", volume.name):
            read(path, stream)
            rows.mark_copied_up(self._engine.database, volume.name)

    def rename(self, name: str, new: str) -> None:
        """Give a volume another name.

        Raises NoSuchVolume, AlreadyExists, InvalidArgument for a bad name, InUse while containers
        use it, WrongState while it is mounted.
        """
        from .renaming import rename

        volume = self.get(name)
        options_of.check(new, volume.driver, volume.options)
        rename(self._engine, volume.name, new)

    # --- removing

    def remove(self, name: str, *, force: bool = False, pruning: bool = False) -> str:
        """Remove a volume and its content; returns its whole name.

        pruning: because nothing needs it, which an event tells. Raises NoSuchVolume, and InUse
        while containers use it; force removes them too.
        """
        volume = self.get(name)
        using = self.users(volume.name)
        if using and not force:
            raise InUse(
                f"volume {volume.name} is being used by the following container(s):"
                f" {', '.join(using)}: volume is being used"
            )
        from .removing import remove

        containers = self._engine.containers
        for container in containers.dependents_first(using):
            containers.remove(container, force=True)
        remove(self._engine, volume.name)
        if pruning:
            event(self._engine, "prune", volume)
        return volume.name

    def prune(self) -> tuple[str, ...]:
        """Remove every volume that no container uses; their names."""
        from .removing import remove

        removed = []
        for volume in rows.unused(self._engine.database):
            try:
                remove(self._engine, volume.name)
            except (InUse, NoSuchVolume):  # taken into use, or removed, meanwhile
                continue
            event(self._engine, "prune", volume)
            removed.append(volume.name)
        return tuple(removed)

    def _make_layer(self, volume: Volume) -> None:
        from .image import make
        from .removing import remove

        try:
            with self._engine.locks.hold("volume", volume.name):
                make(self._engine, volume)
        except BaseException:
            remove(self._engine, volume.name)  # the disk may be full, or the image gone since
            raise

    def _make_directory(self, volume: Volume) -> None:
        path = self.path(volume.name)
        for directory in (self.directory, os.path.dirname(path)):
            # Passable for a container's root in a user namespace; the names cannot be listed.
            os.makedirs(directory, mode=0o711, exist_ok=True)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)
        uid, gid = options_of.owner(volume.options)
        if uid is not None or gid is not None:
            os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)
