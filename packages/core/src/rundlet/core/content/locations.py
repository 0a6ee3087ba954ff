"""Where else a blob is known to be: repositories of registries, to mount blobs from.

A registry that has a blob in one repository links it into another without an upload
(distribution-spec, "Mounting a blob from another repository"). What was pulled from, or
pushed to, a repository is remembered in the state, as a hint that may be out of date.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..engine import Engine

_TRANSPORT = "docker"
_MOST = 8
"""Repositories that are offered for a blob, and kept: the newest."""


class KnownLocations:
    """The blob locations in an engine's state. May be used from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._database = engine.database

    def of(self, digest: str, host: str) -> tuple[str, ...]:
        """ "host/repository" of each place at a registry where a blob was seen, newest first."""
        rows = self._database.rows(
            "SELECT scope || '/' || location FROM blob_locations"
            " WHERE digest = ? AND transport = ? AND scope = ? ORDER BY seen DESC",
            digest,
            _TRANSPORT,
            host,
        )
        return tuple(row[0] for row in rows)

    def note(self, repository: str, digests: Iterable[str]) -> None:
        """Remember that "host/repository" has these blobs."""
        host, _, path = repository.partition("/")
        now = time.time_ns()
        with self._database.transaction():
            for digest in digests:
                self._database.execute(
                    "INSERT INTO blob_locations (digest, transport, scope, location, seen)"
                    " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET seen = excluded.seen",
                    digest,
                    _TRANSPORT,
                    host,
                    path,
                    now,
                )
                self._database.execute(
                    "DELETE FROM blob_locations WHERE digest = ?1 AND transport = ?2"
                    " AND scope = ?3 AND location NOT IN (SELECT location FROM blob_locations"
                    " WHERE digest = ?1 AND transport = ?2 AND scope = ?3"
                    " ORDER BY seen DESC LIMIT ?4)",
                    digest,
                    _TRANSPORT,
                    host,
                    _MOST,
                )

    def forget(self, repository: str, digest: str) -> None:
        """The blob is not there any more."""
        host, _, path = repository.partition("/")
        self._database.execute(
            "DELETE FROM blob_locations WHERE digest = ? AND transport = ? AND scope = ?"
            " AND location = ?",
            digest,
            _TRANSPORT,
            host,
            path,
        )
