"""Writing the file of kept modules (kept_modules.py), at the end of a command."""

from __future__ import annotations

import marshal
import os
import sys
import time
from _frozen_importlib_external import ExtensionFileLoader, PathFinder, SourceFileLoader

from .kept_modules import EXTENSION, MODULE, PACKAGE, head_of, safe, times, unchanged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from .kept_modules import Entry, Finder, Place

_MOST_NEW = 350
"""A command that imports more has other costs (help by typer): nothing of it is kept, so that
the index stays small for those that count."""
_MOST_MODULES = 1500
_MOST_BYTES = 32 << 20
_RACY = 5.0  # seconds
_ABANDONED = 60.0  # seconds


def keep(finder: Finder, names: list[str]) -> None:
    """Write the file anew, with modules that this command has imported and it has not.

    Only ever a saving: where it cannot be written, or another process is just writing it,
    nothing happens, and the next command tries again.
    """
    if len(names) > _MOST_NEW:
        return
    try:
        gathered = _Gathered(finder, names)
        if gathered.settled() and gathered.bounded():
            _write(finder.path, gathered.whole())
    except Exception:
        # A source is changing or vanishing, the directory is not ours, or somebody's module has
        # done things to sys.modules: no reason for a command that has done its work to fail.
        return


class _Gathered:
    """What the file is to hold: modules of this command, and what is still true of the old."""

    def __init__(self, finder: Finder, names: list[str]) -> None:
        self._key = finder.key
        self._places: dict[str, Place] = {}
        self._entries: dict[str, Entry] = {}
        self._code: list[bytes] = []
        self._length = 0
        for name in names:
            self._add(name)
        for name, entry in finder.entries.items():
            package = name.rpartition(".")[0]
            place = finder.places[package]
            if name in self._entries or place != self._place(package, place[0]):
                continue
            if entry[0] == EXTENSION or unchanged(entry):
                code = os.pread(finder.descriptor, entry[5], finder.begin + entry[4])
                self._append(name, entry, code)

    def _place(self, package: str, path: tuple[str, ...]) -> Place:
        """Where modules of a package are looked for, with times from before they were."""
        place = self._places.get(package)
        if place is None:
            place = self._places[package] = (path, times(path))
        return place

    def _add(self, name: str) -> None:
        """Find a module as Python does, and compile it if it was not. Changed meanwhile: left out.

        Its time is from before it is read: if it changes after that, it is not as it was.
        """
        package = name.rpartition(".")[0]
        path = (*(sys.modules[package].__path__ if package else sys.path),)
        if path != self._place(package, path)[0]:
            return
        spec = PathFinder.find_spec(name, path)
        source = spec.origin if spec else None
        if spec is None or source is None or not _is_ordinary(spec):
            return
        if isinstance(spec.loader, ExtensionFileLoader):
            self._append(name, (EXTENSION, source, 0, 0, 0, 0), b"")
        elif isinstance(spec.loader, SourceFileLoader):
            status = os.stat(source)
            code = marshal.dumps(spec.loader.get_code(name))
            kind = MODULE if spec.submodule_search_locations is None else PACKAGE
            self._append(name, (kind, source, status.st_size, status.st_mtime_ns, 0, 0), code)

    def _append(self, name: str, entry: Entry, code: bytes) -> None:
        self._entries[name] = (*entry[:4], self._length, len(code))
        self._code.append(code)
        self._length += len(code)

    def settled(self) -> bool:
        """Whether nothing was changed a moment ago: it may be changing still (pip at work), and
        may do so without its time moving on."""
        stamps = [stamp for place in self._places.values() for stamp in place[1] if stamp]
        stamps += [entry[3] for entry in self._entries.values()]
        return not 0 <= time.time() - max(stamps, default=0) / 1e9 < _RACY

    def bounded(self) -> bool:
        """Whether the file is of a size that helps."""
        return len(self._entries) <= _MOST_MODULES and self._length <= _MOST_BYTES

    def whole(self) -> bytes:
        """The file."""
        index = marshal.dumps((self._key, self._length, self._places, self._entries))
        return b"".join((head_of(index), index, *self._code))


def _is_ordinary(spec: ModuleSpec) -> bool:
    """Whether a spec can be made again from the path of its source: a package is where it is."""
    places = spec.submodule_search_locations
    if places is None:
        return True
    return not isinstance(spec.loader, ExtensionFileLoader) and list(places) == [
        os.path.dirname(spec.origin or "")
    ]


def _write(path: str, data: bytes) -> None:
    """Replace the file, whole or not at all; nothing where it is not. Raises OSError.

    One process at a time: the others leave it be. What a killed one left is taken away.
    """
    directory = os.path.dirname(path)
    if not safe(os.stat(directory)) or not os.path.isfile(path):
        return
    temporary = f"{path}.new"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        if time.time() - os.lstat(temporary).st_mtime > _ABANDONED:
            os.unlink(temporary)
        return
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
