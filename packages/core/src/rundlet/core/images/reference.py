"""Image names as docker and podman write them: `[host[:port]/]path[:tag][@digest]`.

A `Reference` is fully qualified. What a user types may be short ("alpine"), may name the
transport ("docker://alpine", "oci:/path:tag"), or may be an id: see `images.names`.
(Grammar: github.com/distribution/reference.)
"""

from __future__ import annotations

from ..errors import InvalidArgument
from ..value import Value
from .descriptor import digest_parts

DEFAULT_HOST = "docker.io"
DEFAULT_TAG = "latest"

_DIGITS = "0123456789"
_SMALL = "abcdefghijklmnopqrstuvwxyz" + _DIGITS
_LETTERS = _SMALL + _SMALL[:26].upper()
_LONGEST_TAG = 128
_LONGEST_PATH = 255


class Reference(Value):
    """A fully qualified name. tag and digest may both be there, or neither."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        """`host/path`, without tag and digest."""
        return f"{self.host}/{self.path}"

    @property
    def familiar(self) -> str:
        """Without docker.io/ and library/, as docker shows it."""
        text = str(self)
        for prefix in ("docker.io/library/", "docker.io/"):
            if text.startswith(prefix):
                return text.removeprefix(prefix)
        return text

    def tagged(self) -> Reference:
        """With the tag "latest" if it has neither tag nor digest."""
        return self if self.tag or self.digest else self.replace(tag=DEFAULT_TAG)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.host}/{self.path}{tag}{digest}"


def is_short(text: str) -> bool:
    """Whether a name lacks a host: its first component has no dot or port and is no localhost."""
    first, slash, _ = text.partition("/")
    if not slash:
        return True
    return not ("." in first or ":" in first or first == "localhost")


def parse(text: str) -> Reference:
    """Parse a name; a short one is docker.io's. Raises InvalidArgument saying what is wrong."""
    if not text:
        raise InvalidArgument("invalid image name: it is empty")
    rest, at, digest = text.partition("@")
    if at:
        digest_parts(digest)
    head, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        head, tag = rest, ""
    elif not _is_tag(tag):
        raise InvalidArgument(f"invalid image name {text!r}: invalid tag {tag!r}")
    host, path = _split(head)
    if not _is_host(host):
        raise InvalidArgument(f"invalid image name {text!r}: invalid registry host {host!r}")
    if not all(map(_is_component, path.split("/"))) or len(path) > _LONGEST_PATH:
        upper = path != path.lower()
        why = "repository name must be lowercase" if upper else f"invalid repository {path!r}"
        raise InvalidArgument(f"invalid image name {text!r}: {why}")
    return Reference(host, path, tag, digest)


# The grammar's terms, as functions: a name is read by every `run`, and to import re and to
# compile expressions costs more than that.


def _is_tag(text: str) -> bool:
    r"""`[\w][\w.-]{0,127}`, in ASCII."""
    letters = _LETTERS + "_"
    return 0 < len(text) <= _LONGEST_TAG and text[0] in letters and not text.strip(letters + ".-")


def _is_component(text: str) -> bool:
    r"""`[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`"""
    if not text or text[0] not in _SMALL or text[-1] not in _SMALL:
        return False
    between = ""
    for letter in text:
        if letter in _SMALL:
            if between not in (".", "_", "__") and between.strip("-"):
                return False
            between = ""
        else:
            between += letter
    return True


def _is_host(text: str) -> bool:
    """A domain name or an IPv6 address in brackets, and perhaps a port."""
    name, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        name = text
    elif not port or port.strip(_DIGITS):
        return False
    if name.startswith("[") and name.endswith("]"):
        address = name[1:-1]
        return bool(address) and not address.strip(_DIGITS + "abcdefABCDEF:")
    return all(map(_is_label, name.split(".")))


def _is_label(text: str) -> bool:
    """`[a-zA-Z0-9]`, or with hyphens between."""
    ends = text[:1] in _LETTERS and text[-1:] in _LETTERS
    return bool(text) and ends and not text.strip(_LETTERS + "-")


def _split(name: str) -> tuple[str, str]:
    """Host and path of a name without tag and digest."""
    if is_short(name):
        path = name if "/" in name else f"library/{name}"
        return DEFAULT_HOST, path
    host, _, path = name.partition("/")
    if host == "index.docker.io":
        host = DEFAULT_HOST
    if host == DEFAULT_HOST and "/" not in path:
        path = f"library/{path}"
    return host, path
