"""Arguments that every build has: of platforms, and of proxies (containerfile(5), ARG)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.contracts.transport import Platform

PREDEFINED = frozenset(
    name
    for word in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (word, word.lower())
)
"""May be given with --build-arg and are in the environment of RUN without an ARG; not part of
the cache key, and not in the history."""


def arguments(build: Platform, target: Platform) -> dict[str, str]:
    """BUILDPLATFORM, TARGETPLATFORM and their parts."""
    return {**_of("BUILD", build), **_of("TARGET", target)}


def _of(prefix: str, platform: Platform) -> dict[str, str]:
    words = (platform.os, platform.architecture, platform.variant)
    return {
        f"{prefix}PLATFORM": "/".join(word for word in words if word),
        f"{prefix}OS": platform.os,
        f"{prefix}ARCH": platform.architecture,
        f"{prefix}VARIANT": platform.variant,
    }
