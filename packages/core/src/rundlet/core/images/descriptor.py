"""OCI descriptors and digests (image-spec descriptor.md)."""

from __future__ import annotations

from ..errors import InvalidArgument
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_HEX_LENGTH = {"sha256": 64, "sha512": 128, "sha384": 96}


class Descriptor(Value):
    """A typed pointer to content. digest "" and size -1: not known yet.

    platform: the raw `platform` object of an index entry, or None.
    """

    digest: str
    size: int = -1
    media_type: str = ""
    annotations: Mapping[str, str] = EMPTY
    platform: Mapping[str, Any] | None = None
    urls: tuple[str, ...] = ()
    artifact_type: str = ""


def digest_parts(digest: str) -> tuple[str, str]:
    """Split "sha256:<hex>" into algorithm and hex. Raises InvalidArgument for anything else.

    This check is what makes a digest safe to use in a path.
    """
    algorithm, _, encoded = digest.partition(":")
    if len(encoded) != _HEX_LENGTH.get(algorithm, -1) or encoded.strip("0123456789abcdef"):
        raise InvalidArgument(f"invalid digest {digest!r}: expected sha256:<64 hex digits>")
    return algorithm, encoded
