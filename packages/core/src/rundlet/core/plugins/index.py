"""All entry points of `rundlet.*` groups, from a cache that hot commands can afford.

Scanning installed distributions costs 50 to 100 ms; stevedore's own cache still imports
importlib.metadata. Here the result of one stevedore scan is kept as a marshal file, valid
while the modification times of all sys.path directories are as they were: installing or
removing any distribution changes one of them.
"""

from __future__ import annotations

import marshal
import os
import sys

from .. import __version__
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

KINDS = {
    "storage": "rundlet.storage_drivers",
    "runtime": "rundlet.oci_runtimes",
    "network": "rundlet.network_plugins",
    "transport": "rundlet.image_transports",
    "secret": "rundlet.secret_drivers",
    "hooks": "rundlet.hooks",
    "command": "rundlet.commands",
}
"""Kinds of plugins, as `plugin ls` names them, and their entry-point groups."""

GROUPS = (
    *KINDS.values(),
    "rundlet.skopeo_commands",
    "rundlet.build_commands",
    "rundlet.cri_commands",
)
_FORMAT = 1


class EntryPoint(Value):
    """One entry point, as in `[project.entry-points.GROUP]` NAME = "module:attribute"."""

    group: str
    name: str
    value: str
    distribution: str = ""
    version: str = ""

    def load(self) -> object:
        """Import what it names. Raises whatever the import raises."""
        from importlib import import_module

        module, _, attribute = self.value.partition(":")
        found: object = import_module(module)
        for part in attribute.split(".") if attribute else ():
            found = getattr(found, part)
        return found

    def __str__(self) -> str:
        return f"{self.name} = {self.value} ({self.distribution} {self.version})"


Index = dict[str, tuple[EntryPoint, ...]]
_memory: Index | None = None


def index() -> Index:
    """Entry points by group. A cache that is stale, damaged or not ours is made anew."""
    global _memory
    if _memory is None:
        key = _key()
        rows = _read(key)
        if rows is None:
            rows = _scan()
            _write(key, rows)
        _memory = {}
        for group, *rest in rows:
            _memory[group] = (*_memory.get(group, ()), EntryPoint(group, *rest))
    return _memory


def forget() -> None:
    """Drop what this process remembers: distributions were installed while it runs."""
    global _memory
    _memory = None


Row = tuple[str, str, str, str, str]


def _key() -> tuple[Any, ...]:
    """What the cache depends on: this release, the interpreter, and sys.path with its times."""
    places = []
    for path in sys.path:
        try:
            places.append((path, os.stat(path or ".").st_mtime_ns))
        except OSError:
            continue
    return (_FORMAT, __version__, sys.version, tuple(places))


def _path(environment: Mapping[str, str] = os.environ) -> str:
    """The cache file: in a directory that only this user can write to."""
    if os.geteuid() == 0:
        return "/run/rundlet/cache/entry-points"
    home = environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return f"{home}/rundlet/entry-points"


def _read(key: tuple[Any, ...]) -> list[Row] | None:
    try:
        with open(f"{_path()}-{_suffix()}", "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None  # somebody else's: not to be unmarshalled
            saved, rows = marshal.loads(file.read())
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return rows if saved == key else None


def _write(key: tuple[Any, ...], rows: list[Row]) -> None:
    """Keep it, or do without: the cache only saves time."""
    path = f"{_path()}-{_suffix()}"
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(marshal.dumps((key, rows)))
        os.replace(temporary, path)
    except OSError:
        return


def _suffix() -> str:
    """One file per environment: several virtual environments do not fight over one."""
    import zlib

    return f"{zlib.crc32(repr((sys.prefix, sys.path)).encode()):08x}"


def _scan() -> list[Row]:
    """All entry points of our groups, found by stevedore; nothing of them is imported."""
    from stevedore import NamedExtensionManager

    owners = _owners()
    rows: set[Row] = set()
    for group in GROUPS:
        # No names: the manager loads none of them, but knows all.
        manager: NamedExtensionManager[Any] = NamedExtensionManager(
            group, names=[], warn_on_missing_entrypoint=False
        )
        for entry in manager.list_entry_points():
            owner = owners.get((group, entry.name, entry.value), ("", ""))
            rows.add((group, entry.name, entry.value, *owner))
    return sorted(rows)


def _owners() -> dict[tuple[str, str, str], tuple[str, str]]:
    """Name and version of the distribution of each entry point: stevedore's cache drops them."""
    from importlib.metadata import distributions

    return {
        (entry.group, entry.name, entry.value): (
            distribution.metadata["Name"] or "",
            distribution.version,
        )
        for distribution in distributions()
        for entry in distribution.entry_points
        if entry.group in GROUPS
    }
