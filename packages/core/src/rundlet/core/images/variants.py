"""More instances of an index: its images once more, with other compressions of their layers.

containers.conf(5), add_compression. Whoever knows only gzip finds instances for him first; those
with zstd have an annotation, and come last.
"""

from __future__ import annotations

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .descriptor import Descriptor
    from .plan import Wishes

ZSTD = "io.github.containers.compression.zstd"
"""The annotation, "true", of an instance with zstd layers."""
KNOWN = ("gzip", "zstd", "zstd:chunked")


def check(compressions: Iterable[str], wishes: Wishes) -> None:
    """Raise InvalidArgument for what cannot be added to an index that is written so."""
    for one in compressions:
        if one not in KNOWN:
            raise InvalidArgument(
                f"cannot add instances with compression {one!r}", remedy=f"Use {', '.join(KNOWN)}."
            )
        if one != "gzip" and wishes.format not in ("", "oci"):
            raise InvalidArgument(
                f"format {wishes.format} has no zstd layers", remedy="Use --format oci."
            )


def missing(
    items: Sequence[Descriptor], compressions: Iterable[str], wishes: Wishes
) -> list[tuple[Descriptor, str]]:
    """The instances that are to be there once more, and in which compression: the first of each
    platform that has none in it. zstd:chunked is zstd.
    """
    there = {(_platform(item), _family(_compression(item, wishes))) for item in items}
    found = []
    for compression in dict.fromkeys(compressions):
        for item in items:
            wanted = (_platform(item), _family(compression))
            if wanted not in there:
                there.add(wanted)
                found.append((item, compression))
    return found


def _platform(item: Descriptor) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, str(value)) for key, value in (item.platform or {}).items()))


def _compression(item: Descriptor, wishes: Wishes) -> str:
    """Of an instance at the destination, as far as an index tells."""
    if wishes.force and wishes.compression:
        return wishes.compression
    return "zstd" if item.annotations.get(ZSTD) == "true" else "gzip"


def _family(compression: str) -> str:
    return compression.partition(":")[0]


def annotated(item: Descriptor, compression: str) -> Descriptor:
    """An added instance as an index names it."""
    kept = {key: value for key, value in item.annotations.items() if key != ZSTD}
    if _family(compression) == "zstd":
        kept[ZSTD] = "true"
    return item.replace(annotations=kept)
