"""Platforms: this machine's, and which instances of an index are for one.

(OCI image-spec, image-index.md.)
"""

from __future__ import annotations

import os

from ..contracts.transport import Platform
from ..errors import InvalidArgument, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .descriptor import Descriptor
    from .manifest import Index

_MACHINES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
    "ppc64le": ("ppc64le", ""),
    "s390x": ("s390x", ""),
    "riscv64": ("riscv64", ""),
}
_ARM = ("v5", "v6", "v7", "v8")


def native() -> Platform:
    """The platform of this machine, in Go's words."""
    machine = os.uname().machine
    architecture, variant = _MACHINES.get(machine, (machine, ""))
    return Platform("linux", architecture, variant)


def choose(index: Index, wanted: Platform) -> Descriptor:
    """The instance for a platform. Raises NotFound naming the platforms that are there.

    An instance with the same variant is preferred to one without, and that to any other.
    """
    mine = native()
    platform = Platform(
        wanted.os or mine.os,
        wanted.architecture or mine.architecture,
        wanted.variant or ("" if wanted.architecture else mine.variant),
    )
    best: tuple[int, Descriptor] | None = None
    for item in index.manifests:
        score = _score(item.platform or {}, platform)
        if score and (best is None or score > best[0]):
            best = (score, item)
    if best is None:
        raise _missing(index, platform)
    return best[1]


def for_platforms(index: Index, wanted: Sequence[Platform]) -> tuple[Descriptor, ...]:
    """The instances for some platforms, of every variant unless one is named; all for none.

    Raises NotFound for a platform that no instance has.
    """
    found = {
        platform: [item for item in index.manifests if _fits(item.platform or {}, platform)]
        for platform in wanted
    }
    for platform, items in found.items():
        if not items:
            raise _missing(index, platform)
    chosen = [item for items in found.values() for item in items]
    return tuple(item for item in index.manifests if not wanted or item in chosen)


def _missing(index: Index, platform: Platform) -> NotFound:
    there = sorted({_shown(item.platform or {}) for item in index.manifests})
    return NotFound(
        f"no image for platform {_shown(platform.as_dict())}",
        remedy=f"The image has: {', '.join(there) or 'none'}.",
    )


def _fits(offered: Mapping[str, Any], wanted: Platform) -> bool:
    return (
        offered.get("os") == wanted.os
        and offered.get("architecture") == wanted.architecture
        and wanted.variant in ("", offered.get("variant"))
    )


def _score(offered: Mapping[str, Any], wanted: Platform) -> int:
    if offered.get("os", "linux") != wanted.os:
        return 0
    if offered.get("architecture") != wanted.architecture:
        return 0
    variant = str(offered.get("variant") or "")
    if variant == wanted.variant:
        return 9
    if not variant:
        return 8
    if not wanted.variant:
        return 7
    # An ARM core runs what was made for an older one: the newest of those is best.
    older = wanted.architecture == "arm" and variant in _ARM and wanted.variant in _ARM
    return _ARM.index(variant) + 1 if older and variant < wanted.variant else 0


def _shown(platform: Mapping[str, Any]) -> str:
    parts = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
    return "/".join(str(part) for part in parts if part) or "unknown"


def parse_platform(text: str) -> Platform:
    """`os/arch[/variant]` or `arch`, as --platform takes it. Raises InvalidArgument."""
    parts = text.split("/")
    if len(parts) > 3 or not all(parts):
        raise InvalidArgument(f"invalid platform {text!r}", remedy="Give os/architecture.")
    if len(parts) == 1:
        return Platform("linux", _MACHINES.get(parts[0], (parts[0], ""))[0])
    architecture, variant = _MACHINES.get(parts[1], (parts[1], ""))
    return Platform(parts[0], architecture, parts[2] if len(parts) == 3 else variant)
