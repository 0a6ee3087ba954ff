"""What a command has seen of blobs while it runs, so that none is moved twice."""

from __future__ import annotations

from rundlet.core.content.locations import KnownLocations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class KnownBlobs(KnownLocations):
    """Repositories that have blobs (the docker transport mounts them from there), and files
    (`paths`: the dir transport links them). In memory, for one command: no store is opened.

    source: the repository that a copy reads from; it has all of the copy's blobs. May be used
    from several threads.
    """

    def __init__(self, source: str = "", above: KnownBlobs | None = None) -> None:
        self._source = source
        self._seen: dict[str, dict[str, None]] = {} if above is None else above._seen
        self.paths: dict[str, str] = {} if above is None else above.paths

    def beside(self, source: str) -> KnownBlobs:
        """The same knowledge, for a copy from another repository."""
        return KnownBlobs(source, self)

    def of(self, digest: str, host: str = "") -> tuple[str, ...]:
        found = dict.fromkeys(tuple(self._seen.get(digest, ())))
        if self._source:
            found[self._source] = None
        return tuple(one for one in found if not host or one.startswith(f"{host}/"))

    def note(self, repository: str, digests: Iterable[str]) -> None:
        for digest in digests:
            self._seen.setdefault(digest, {})[repository] = None

    def forget(self, repository: str, digest: str) -> None:
        self._seen.get(digest, {}).pop(repository, None)
