"""What a context's name means: a folder, stdin, a git repository, an archive by http, an image."""

from __future__ import annotations

import os
import re

from rundlet.core.errors import InvalidArgument
from rundlet.core.value import Value

_GIT = re.compile(r"^(git://|git@|ssh://.*|(https?|file)://.*\.git(?:#|$)|github\.com/)")
_IMAGE_SCHEMES = ("container-image://", "docker-image://", "docker://")


class Git(Value):
    """`URL#REF:DIRECTORY`. ref: branch, tag or commit, "" for the default branch."""

    url: str
    ref: str = ""
    directory: str = ""


def is_http(text: str) -> bool:
    """Whether it is to be fetched."""
    return text.startswith(("http://", "https://"))


def is_git(text: str) -> bool:
    """As buildah tells them: by scheme, or by `.git` at the end of the path."""
    return _GIT.match(text) is not None


def git(text: str) -> Git:
    """The parts of a git URL. Raises InvalidArgument for one that would be an option of git."""
    url, _, fragment = text.partition("#")
    ref, _, directory = fragment.partition(":")
    if url.startswith("github.com/"):
        url = f"https://{url}"
    if url.startswith("-") or ref.startswith("-"):
        raise InvalidArgument(f"{text}: no git repository begins with a dash")
    inside = os.path.normpath(os.path.join("/", directory)).lstrip("/")
    return Git(url, ref, inside)


class Named(Value):
    """A `--build-context NAME=VALUE`: an image, or a location of files."""

    name: str
    image: str = ""
    location: str = ""


def named(text: str) -> Named:
    """Read a `--build-context`. Raises InvalidArgument."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InvalidArgument(
            f"while parsing the build context {text!r}: expected NAME=VALUE",
            remedy="As in --build-context src=../src or --build-context base=docker-image://alpine",
        )
    for scheme in _IMAGE_SCHEMES:
        if value.startswith(scheme):
            return Named(name, image=value.removeprefix(scheme))
    return Named(name, location=value)
