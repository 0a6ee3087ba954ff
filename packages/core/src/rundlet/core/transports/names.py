"""Names of images as archives carry them."""

from __future__ import annotations


def normal(name: str) -> str:
    """A docker-style name in full: registry, `library/` on Docker Hub, and a tag.

    The rules are those of `docker pull` (distribution/reference): the first part is a
    registry when it has a dot or a port, or is localhost.
    """
    name, at, digest = name.partition("@")
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = "docker.io", name if slash else f"library/{name}"
    elif first == "index.docker.io":
        first = "docker.io"
    if first == "docker.io" and "/" not in rest:
        rest = f"library/{rest}"
    if ":" not in rest and not at:
        rest += ":latest"
    return f"{first}/{rest}{at}{digest}"
