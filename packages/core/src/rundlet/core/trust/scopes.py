"""Under which scopes a policy may name an image (containers-policy.json(5), "Supported
transports and their scopes"), most specific first.
"""

from __future__ import annotations

import os

from ..images import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.transport import Location
    from ..images.reference import Reference

_NAMED = ("docker", "docker-daemon")
_PATHS = ("dir", "oci", "oci-archive")


def scopes(location: Location) -> tuple[str, ...]:
    """All but the transport's default. () for transports whose scopes are ignored."""
    if location.transport in _NAMED:
        named = identity(location)
        return () if named is None else _of_name(named)
    if location.transport in _PATHS:
        return _of_path(location)
    return ()


def identity(location: Location) -> Reference | None:
    """The docker-like name that an image is asked for by; None where there is none."""
    if not location.name or location.transport in _PATHS:
        return None
    return references.parse(location.name).tagged()


def _of_name(named: Reference) -> tuple[str, ...]:
    """The image, its repository, the namespaces above, the host, and hosts above as `*.`."""
    found = [str(named), named.repository]
    while "/" in found[-1]:
        found.append(found[-1].rpartition("/")[0])
    rest = named.host
    while "." in rest:
        rest = rest.partition(".")[2]
        found.append(f"*.{rest}")
    return tuple(found)


def _of_path(location: Location) -> tuple[str, ...]:
    """A directory or file and those above it, without symbolic links, but for the root."""
    path, _, name = location.path.partition(":") if location.transport != "dir" else (
        location.path, "", "",
    )  # fmt: skip
    resolved = os.path.realpath(path)
    found = [] if location.transport == "dir" else [f"{resolved}:{name}"]
    while resolved != "/":
        found.append(resolved)
        resolved = os.path.dirname(resolved)
    return tuple(found)
