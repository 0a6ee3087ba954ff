"""Owners in an archive and on disk: id maps of a user namespace."""

from __future__ import annotations

from ..errors import StoreError
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..contracts.storage import IdMap


class IdMaps(Value):
    """The uid and gid map of a user namespace; an empty one maps nothing.

    Archives carry the ids that a container sees, the disk those of the host.
    """

    uid: tuple[IdMap, ...] = ()
    gid: tuple[IdMap, ...] = ()

    def to_host(self, uid: int, gid: int) -> tuple[int, int]:
        """The owner on disk. Raises StoreError for an id that the maps leave out."""
        return _to_host("uid", uid, self.uid), _to_host("gid", gid, self.gid)

    def to_container(self, uid: int, gid: int) -> tuple[int, int]:
        """The owner in an archive. Raises StoreError for an id that the maps leave out."""
        return _to_container("uid", uid, self.uid), _to_container("gid", gid, self.gid)


class OneOwner(Value):
    """Everything that is unpacked belongs to one user of the host."""

    uid: int
    gid: int

    def to_host(self, uid: int, gid: int) -> tuple[int, int]:
        """The owner on disk, whoever it is in the archive."""
        return self.uid, self.gid


def _to_host(what: str, number: int, maps: Iterable[IdMap]) -> int:
    if not maps:
        return number
    for row in maps:
        if row.container <= number < row.container + row.size:
            return row.host + number - row.container
    raise StoreError(
        f"{what} {number} is not in the id map of the user namespace",
        remedy=f"give it more ids: a larger range in /etc/sub{what}, or another --{what}map",
    )


def _to_container(what: str, number: int, maps: Iterable[IdMap]) -> int:
    if not maps:
        return number
    for row in maps:
        if row.host <= number < row.host + row.size:
            return row.container + number - row.host
    raise StoreError(f"{what} {number} on disk is not in the id map of the user namespace")
