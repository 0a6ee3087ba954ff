"""The cache of steps: what was made of which inputs, and what these were.

`GRAPH/build/steps.db`, beside the images that own the layers: a row whose layer is gone is a
miss. A key is the hash of all that a step's result depends on; the parts of it are kept too,
so that a later build can say which of them changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import zlib

from rundlet.core.errors import StoreError
from rundlet.core.images.composing import NewLayer
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rundlet.core import Engine

_SCHEMA = """
CREATE TABLE IF NOT EXISTS steps (
    key TEXT PRIMARY KEY,
    digest TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL, diff_id TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS times (key TEXT PRIMARY KEY, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sites (site TEXT PRIMARY KEY, parts BLOB NOT NULL);
"""
_VERSION = 1
"""In the file, once it has its tables."""
_TIMEOUT = 30.0
"""Seconds to wait for another build that writes."""
_KINDS = {
    "0": "file",
    "2": "symbolic link",
    "3": "character device",
    "4": "block device",
    "5": "directory",
    "6": "FIFO",
}
"""By the type of a tar member, which a fingerprint begins with."""
_SHOWN = 60
"""Characters of a value in an explanation."""
NOTHING = "none"
"""The diff_id of a step that has no layer (a WORKDIR that was there)."""


class Step(Value):
    """A step that was made. layer: None when it changed no files. created: nanoseconds."""

    layer: NewLayer | None
    created: int


class StepCache:
    """The cache of one graph root. Each thread has its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        directory = os.path.join(engine.settings.graph_root, "build")
        try:
            os.makedirs(directory, mode=0o700, exist_ok=True)
            path = os.path.join(directory, "steps.db")
            self._database = sqlite3.connect(path, timeout=_TIMEOUT, isolation_level=None)
            self._database.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost steps
            if self._version() == _VERSION:
                return
            with engine.locks.hold("build", "steps", _TIMEOUT):  # SQLite cannot wait for this
                self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"the build cache below {directory} cannot be used: {error}",
                remedy="Remove its steps.db: it is only a cache.",
            ) from error

    def _version(self) -> int:
        return int(self._database.execute("PRAGMA user_version").fetchone()[0])

    def _prepare(self) -> None:
        """Make the tables of a new file. WAL is a property of the file."""
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(_SCHEMA)
        self._database.execute(f"PRAGMA user_version = {_VERSION}")

    def find(self, key: str, ttl: float | None = None) -> Step | None:
        """A step whose layer is still in the store, which is kept there meanwhile."""
        row = self._database.execute(
            "SELECT digest, size, media_type, diff_id, created FROM steps WHERE key = ?", (key,)
        ).fetchone()
        if row is None or (ttl is not None and time.time_ns() - row[4] > ttl * 1e9):
            return None
        if row[3] == NOTHING:
            return Step(None, row[4])
        self._engine.leases.hold("blob", (row[0],))
        if not self._engine.blobs.has(row[0]):
            return None
        return Step(NewLayer(Descriptor(row[0], row[1], row[2]), row[3]), row[4])

    def keep(self, key: str, step: Step) -> None:
        """Remember a step."""
        layer = step.layer or NewLayer(Descriptor(""), NOTHING)
        blob = layer.blob
        self._database.execute(
            "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?)",
            (key, blob.digest, blob.size, blob.media_type, layer.diff_id, step.created),
        )

    def time(self, key: str, *, fresh: bool) -> int:
        """When a step that only changes the config was first made: now, when `fresh`."""
        if not fresh:
            row = self._database.execute(
                "SELECT created FROM times WHERE key = ?", (key,)
            ).fetchone()
            if row is not None:
                return int(row[0])
        now = time.time_ns()
        self._database.execute("INSERT OR REPLACE INTO times VALUES (?, ?)", (key, now))
        return now

    def parts(self, site: str) -> dict[str, Any] | None:
        """The parts of the key that a step at this place of a Containerfile had last."""
        row = self._database.execute("SELECT parts FROM sites WHERE site = ?", (site,)).fetchone()
        if row is None:
            return None
        found: dict[str, Any] = json.loads(zlib.decompress(row[0]))
        return found

    def keep_parts(self, site: str, parts: Mapping[str, Any]) -> None:
        """Remember them, where they are others than before."""
        data = zlib.compress(json.dumps(parts).encode(), 1)
        row = self._database.execute("SELECT parts FROM sites WHERE site = ?", (site,)).fetchone()
        if row is not None and row[0] == data:
            return
        self._database.execute("INSERT OR REPLACE INTO sites VALUES (?, ?)", (site, data))

    def prune(self) -> None:
        """Forget the steps whose layers are gone."""
        rows = self._database.execute("SELECT DISTINCT digest FROM steps WHERE digest != ''")
        for (digest,) in rows.fetchall():
            if not self._engine.blobs.has(digest):
                self._database.execute("DELETE FROM steps WHERE digest = ?", (digest,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def key_of(parts: Mapping[str, Any]) -> str:
    """The key of a step: the same for the same parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def explain(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    """Why a step was not in the cache: what differs from when it was last made."""
    if before is None:
        return ["this step was never built here"]
    found: list[str] = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            found += [f"{name[:-1]} {change}" for change in _differences(old, new)]
        elif name == "parent":
            found.append("parent: an earlier step or the base image changed")
        else:
            found.append(f"{name} changed: {_contrast(old, new)}")
    return found or ["the layer is no longer in the store"]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    changes = []
    for key in sorted({*old, *new}):
        if key not in old:
            changes.append(f"{key} is new")
        elif key not in new:
            changes.append(f"{key} is gone")
        elif old[key] != new[key]:
            changes.append(f"{key} changed ({_what(str(old[key]), str(new[key]))})")
    return changes


def _what(old: str, new: str) -> str:
    """What of a fingerprint differs; other values are shown."""
    before, after = old.split(" "), new.split(" ")
    kinds = (_KINDS.get(before[0], ""), _KINDS.get(after[0], ""))
    if all(kinds) and len(before) >= 3 <= len(after) and kinds[0] != kinds[1]:
        return f"{kinds[0]} -> {kinds[1]}"
    if len(before) == len(after) >= 3 and all(kinds):
        names = ("kind", "mode", "owner", "content", "attributes")
        return ", ".join(
            f"mode {a} -> {b}"
            if name == "mode"
            else f"owner {a} -> {b}"
            if name == "owner"
            else name
            for name, a, b in zip(names, before, after, strict=False)
            if a != b
        )
    return f"{_contrast(old, new)}"


def _contrast(old: object, new: object) -> str:
    """Both, long ones from shortly before where they differ."""
    before, after = (value if isinstance(value, str) else json.dumps(value) for value in (old, new))
    begin = 0
    if max(len(before), len(after)) > _SHOWN:
        pairs = enumerate(zip(before, after, strict=False))
        same = next((n for n, (a, b) in pairs if a != b), min(len(before), len(after)))
        begin = max(0, same - _SHOWN // 3)
    return f"{_cut(before, begin)} -> {_cut(after, begin)}"


def _cut(text: str, begin: int) -> str:
    end = begin + _SHOWN
    return f"{'...' if begin else ''}{text[begin:end]}{'...' if end < len(text) else ''}"
