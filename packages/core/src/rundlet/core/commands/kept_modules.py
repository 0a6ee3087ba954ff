"""The code of the modules that a program's commands import, in one file: 7 ms less for `run`.

Python finds a module by listing and looking through directories, and reads it from a .pyc
file of its own. For the 200 modules of a verb that costs as much as running them. Here their
compiled code is in one file per program, written by `keeping.py` when a command has imported
something that is not in it. It is `kept/NAME` beside the module NAME that has the program's
`main`; the distribution ships it, with a line of text in it, so that it is known to whoever
takes the distribution away (pip's RECORD). A program that has no such file keeps nothing.

What is found here is what Python would find. A module is taken from the file only while its
source has the size and time it had (as with .pyc files), and every directory in which Python
would have looked for it is the same, with the same time: nothing was added, renamed or taken
away. Everything else is left to Python's own finder, which comes after this one.
RUNDLET_KEEP_MODULES=0 turns it off.

    file   = length of the index (8 bytes), its hash (8 bytes), index, code, code, ...
    index  = marshal of (key, bytes of code, places, entries)
    places = {package, or "" for sys.path: ((directory, ...), (time or None, ...))}
    entries = {module: (kind, path of its source, size, time, offset, length)}
"""

from __future__ import annotations

import marshal
import os
import sys

# importlib.machinery's, without what importlib imports besides (0.3 ms).
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import ExtensionFileLoader, SourceFileLoader, cache_from_source
from _imp import source_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import Any

    Key = tuple[Any, ...]
    Place = tuple[tuple[str, ...], tuple[int | None, ...]]
    Entry = tuple[int, str, int, int, int, int]

MODULE, PACKAGE, EXTENSION = range(3)
"""Kinds of entries. Of an extension only the place is known: the system loads its file."""

HEAD = 16  # bytes before the index
_FORMAT = 1
_HASH_KEY = 0x72756E64
_OTHERS_WRITE = 0o022
# How Python names the file of a module's code, of which `__cached__` tells. Not asked for each
# of 200 modules: that is 1 ms.
_BEFORE, _AFTER = cache_from_source("PLACE/MODULE.py").removeprefix("PLACE").split("MODULE")


class Loader(SourceFileLoader):
    """Python's own, but for where the code comes from the first time it is asked for."""

    finder: Finder | None = None

    def get_code(self, fullname: str) -> CodeType | None:
        """The kept code; if that cannot be read, and when loaded again, what Python finds."""
        finder, self.finder = self.finder, None
        code = finder.code(fullname) if finder is not None else None
        return code if code is not None else super().get_code(fullname)


class Finder:
    """Finds modules in a file of kept ones (a meta path finder)."""

    def __init__(self, program: str) -> None:
        """program: the module that has its `main`."""
        self.key: Key = (_FORMAT, program, sys.version, sys.flags.optimize, tuple(sys.path))
        packages = __file__.removesuffix("/rundlet/core/commands/kept_modules.py")
        directory, _, name = f"{packages}/{program.replace('.', '/')}".rpartition("/")
        self.path = f"{directory}/kept/{name}"
        self.descriptor = -1
        self.places: dict[str, Place] = {}
        self.entries: dict[str, Entry] = {}
        self.begin = 0
        """Where the code begins, from which the offsets of entries count."""
        self._missed: list[str] = []  # asked for and not found here
        self._same: dict[str, bool] = {}
        self._read()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that Python's own finder would give, or None to let it look.

        path: the __path__ of the package the module is in, None at the top.
        """
        entry = self.entries.get(name)
        package = name.rpartition(".")[0]
        if entry is None or not self.has_place(package, sys.path if path is None else path):
            self._missed.append(name)
            return None
        kind, source, *_ = entry
        if kind == EXTENSION:
            spec = ModuleSpec(name, ExtensionFileLoader(name, source), origin=source)
            spec.has_location = True
            return spec
        if not unchanged(entry):
            self._missed.append(name)
            return None
        loader = Loader(name, source)
        loader.finder = self
        spec = ModuleSpec(name, loader, origin=source, is_package=kind == PACKAGE)
        spec.has_location = True
        directory, _, file = source.rpartition("/")
        spec.cached = f"{directory}{_BEFORE}{file.removesuffix('.py')}{_AFTER}"
        if kind == PACKAGE:
            spec.submodule_search_locations = [directory]
        return spec

    def code(self, name: str) -> CodeType | None:
        """The code of a module that was found here; None: it is damaged, and to be kept anew."""
        _, _, _, _, offset, length = self.entries[name]
        try:
            data = os.pread(self.descriptor, length, self.begin + offset)
            code: CodeType = marshal.loads(data)
            return code
        except (OSError, ValueError, EOFError, TypeError):
            self._missed.append(name)
            return None

    def invalidate_caches(self) -> None:
        """Modules have been installed while we run (importlib.invalidate_caches)."""
        self._same.clear()

    def has_place(self, package: str, path: Sequence[str]) -> bool:
        """Whether modules of a package are looked for where they were, and all is as it was."""
        place = self.places.get(package)
        if place is None or (*path,) != place[0]:
            return False
        same = self._same.get(package)
        if same is None:
            same = self._same[package] = times(place[0]) == place[1]
        return same

    def new(self) -> list[str]:
        """Modules that were imported and not found here, but by Python as files of their own."""
        return [name for name in dict.fromkeys(self._missed) if _is_file(sys.modules.get(name))]

    def _read(self) -> None:
        """Open the file. One that is missing, damaged, another's or of other Python: no entries."""
        try:
            if not safe(os.stat(os.path.dirname(self.path))):
                return
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return
        try:
            status = os.fstat(descriptor)
            if not safe(status) or status.st_uid not in (0, os.geteuid()):
                raise ValueError("not ours")
            head = os.pread(descriptor, HEAD, 0)
            index = os.pread(descriptor, min(int.from_bytes(head[:8]), status.st_size), HEAD)
            if head != head_of(index):
                raise ValueError("damaged")
            key, length, places, entries = marshal.loads(index)
            begin = HEAD + len(index)
            if key != self.key or begin + length != status.st_size:
                raise ValueError("of another Python, or cut")
        except (OSError, ValueError, EOFError, TypeError):
            os.close(descriptor)
            return
        self.descriptor, self.begin = descriptor, begin
        self.places, self.entries = places, entries


def _is_file(module: ModuleType | None) -> bool:
    """Whether a module is one that can be kept: not built-in, of a zip file, or made up."""
    spec = getattr(module, "__spec__", None)
    return spec is not None and type(spec.loader) in (SourceFileLoader, Loader, ExtensionFileLoader)


def safe(status: os.stat_result) -> bool:
    """Whether only its owner can write a file, or make files in a directory."""
    return not status.st_mode & _OTHERS_WRITE


def times(directories: Sequence[str]) -> tuple[int | None, ...]:
    """When each directory was last changed, in ns; None: it is not there."""
    return tuple([_time(directory) for directory in directories])


def _time(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def unchanged(entry: Entry) -> bool:
    """Whether the source of a module has the size and time that it was kept with."""
    try:
        status = os.stat(entry[1])
    except OSError:
        return False
    return status.st_mtime_ns == entry[3] and status.st_size == entry[2]


def head_of(index: bytes) -> bytes:
    """What stands before the index: how long it is, and its hash."""
    return len(index).to_bytes(8) + source_hash(_HASH_KEY, index)


def use(program: str) -> Finder | None:
    """Find modules among the kept ones first. None where that is not wanted, or not plain.

    Modules that were imported before (by whoever starts us) are not found here.
    """
    if os.environ.get("RUNDLET_KEEP_MODULES") == "0" or len(sys.meta_path) != 3:
        return None
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        return None  # the file, which stays open, would take the place of a closed stream
    finder = Finder(program)
    sys.meta_path.insert(0, finder)
    return finder
