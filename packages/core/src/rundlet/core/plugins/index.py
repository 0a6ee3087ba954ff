"""All entry points of `rundlet.*` groups, from a cache that hot commands can afford.

Scanning installed distributions costs 50 to 100 ms. Here the result of one scan by stevedore
is kept, valid while the modification times of all sys.path directories are as they were:
installing or removing any distribution, as wheel or editable, changes one of them.
"""

from __future__ import annotations

import os
import sys
import time

from .. import __version__
from ..value import Value
from . import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
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
BROKEN = "rundlet.broken"
"""Not a group: distributions that want to be in one, but whose metadata cannot be read."""

_FORMAT = 3
_RACY = 5.0  # seconds


class EntryPoint(Value):
    """One entry point, as in `[project.entry-points.GROUP]` NAME = "module:attribute"."""

    group: str
    name: str
    value: str
    distribution: str = ""
    version: str = ""

    @property
    def shipped(self) -> bool:
        """Whether it is of one of Rundlet's own distributions: those win a clash of names."""
        return self.distribution.startswith("rundlet-") and self.value.startswith("rundlet.")

    def load(self) -> object:
        """Import what it names. Raises whatever the import raises."""
        module, _, attribute = self.value.partition(":")
        __import__(module)
        found: object = sys.modules[module]
        for part in attribute.split(".") if attribute else ():
            found = getattr(found, part)
        return found

    def __str__(self) -> str:
        return f"{self.name} = {self.value} ({self.distribution} {self.version})"


# A row is (name, value, distribution, version).
Rows = dict[str, list[tuple[str, str, str, str]]]
_memory: Rows | None = None


def index() -> Rows:
    """Rows by group. A cache that is stale, damaged or not ours is made anew."""
    global _memory
    if _memory is None:
        key, newest = _key()
        path = _path()
        _memory = cache.read(path, key)
        if _memory is None:
            _memory = scan()
            # A directory changed a moment ago may be changing still (pip at work), and may
            # do so without its time moving on: not to be remembered yet.
            if not 0 <= time.time() - newest < _RACY:
                cache.write(path, key, _memory)
    return _memory


def entries(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, by name."""
    return tuple(EntryPoint(group, *row) for row in index().get(group, ()))


def forget() -> None:
    """Drop what this process remembers: distributions were installed while it runs."""
    global _memory
    _memory = None


def _key() -> tuple[tuple[Any, ...], float]:
    """What the cache depends on, and the newest time in it (seconds).

    This release, the interpreter, and sys.path with the times of its directories.
    """
    places = []
    newest = 0
    for path in sys.path:
        try:
            changed = os.stat(path or ".").st_mtime_ns
        except OSError:
            continue
        places.append((path, changed))
        newest = max(newest, changed)
    return (_FORMAT, __version__, sys.version, tuple(places)), newest / 1e9


def _path() -> str:
    """One file per environment: several virtual environments do not fight over one."""
    words = "\0".join((sys.prefix, *sys.path)).encode(errors="surrogateescape")
    mark = int.from_bytes(words, "big") % (2**61 - 1)  # a hash without an import
    return f"{cache.directory()}/entry-points-{mark:x}"


def scan() -> Rows:
    """All entry points of our groups, found by stevedore; nothing of them is imported."""
    owners, rows = _owners()
    try:
        found = _by_stevedore()
    except Exception:
        # One distribution with unreadable metadata must not take every command down:
        # _owners has read them one by one.
        found = set(owners)
    for group, name, value in sorted(found):
        owner = owners.get((group, name, value), ("", ""))
        rows.setdefault(group, []).append((name, value, *owner))
    return rows


def _by_stevedore() -> set[tuple[str, str, str]]:
    from stevedore import NamedExtensionManager

    found = set()
    for group in GROUPS:
        # No names: the manager loads none of them, but knows all.
        manager: NamedExtensionManager[Any] = NamedExtensionManager(group, names=[])
        for entry in manager.list_entry_points():
            found.add((group, entry.name, entry.value))
    return found


def _owners() -> tuple[dict[tuple[str, str, str], tuple[str, str]], Rows]:
    """Name and version of the distribution of each entry point (stevedore's cache drops them).

    Also the rows of distributions that cannot be read. The first distribution of a name on
    sys.path is the one in force.
    """
    from importlib.metadata import distributions

    owners: dict[tuple[str, str, str], tuple[str, str]] = {}
    failed: Rows = {}
    seen = set()
    for distribution in distributions():
        try:
            if "rundlet." not in (distribution.read_text("entry_points.txt") or ""):
                continue
            name, version = distribution.metadata["Name"] or "", distribution.version or ""
            if name in seen:
                continue
            seen.add(name)
            ours = [(p.group, p.name, p.value) for p in distribution.entry_points]
        except Exception as error:  # metadata of any kind: told below
            where = os.path.basename(str(getattr(distribution, "_path", distribution)))
            why = f"its metadata cannot be read: {error!r}"
            failed.setdefault(BROKEN, []).append((where, why, where, ""))
            sys.stderr.write(f"WARN[0000] skipped: {where}: {why}\n")
            continue
        for key in ours:
            if key[0] in GROUPS:
                owners.setdefault(key, (name, version))
    return owners, failed
