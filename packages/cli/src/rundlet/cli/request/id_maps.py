"""`--uidmap` and `--gidmap`: `[flags]container:[@]host[:amount]` (podman-run(1))."""

from __future__ import annotations

from rundlet.core.contracts.storage import IdMap
from rundlet.core.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROOT = (IdMap(0, 0, 1),)


def id_maps(
    uids: Sequence[str], gids: Sequence[str]
) -> tuple[tuple[IdMap, ...], tuple[IdMap, ...]]:
    """Of users and of groups. One alone, which () says for the other, holds for both, but for what
    is marked as its own. Raises InvalidArgument.
    """
    of_users, of_groups = _maps(uids, "u"), _maps(gids, "g")
    if not gids and any(_parse(text, "u")[2] for text in uids):
        of_groups = _maps([text for text in uids if not _parse(text, "u")[2]], "u") or _ROOT
    if not uids and any(_parse(text, "g")[2] for text in gids):
        of_users = _maps([text for text in gids if not _parse(text, "g")[2]], "g") or _ROOT
    return of_users, of_groups


def _maps(texts: Sequence[str], own: str) -> tuple[IdMap, ...]:
    found: list[IdMap] = []
    for text in texts:
        made, extends, _ = _parse(text, own)
        if extends:
            found = [part for one in found for part in _without(one, made)]
        found.append(made)
    return tuple(found)


def _parse(text: str, own: str) -> tuple[IdMap, bool, bool]:
    """The map, whether it takes its ids from those before it (+), whether it is one kind's (u, g).

    An @ says that the id is the host's, as for root every one is.
    """
    flags = text[: len(text) - len(text.lstrip("+ug"))]
    parts = text[len(flags) :].split(":")
    parts[1:2] = [part.removeprefix("@") for part in parts[1:2]]
    if len(parts) not in (2, 3) or not all(part.isdecimal() for part in parts):
        raise InvalidArgument(
            f"invalid id map {text!r}: must be [FLAGS]CONTAINER:HOST[:SIZE], with the flags"
            f" + and {own}"
        )
    if set(flags) - {"+", own}:
        raise InvalidArgument(f"invalid id map {text!r}: of the flags, only + and {own} are here")
    made = IdMap(int(parts[0]), int(parts[1]), int(parts[2]) if parts[2:] else 1)
    return made, "+" in flags, own in flags


def _without(one: IdMap, taken: IdMap) -> Iterator[IdMap]:
    """What is left of a map, in at most three pieces, when another takes ids on either side."""
    gaps = sorted(
        (max(0, start), min(one.size, start + taken.size))
        for start in (taken.container - one.container, taken.host - one.host)
    )
    place = 0
    for start, end in gaps:
        if start < end:
            if start > place:
                yield IdMap(one.container + place, one.host + place, start - place)
            place = max(place, end)
    if place < one.size:
        yield IdMap(one.container + place, one.host + place, one.size - place)
