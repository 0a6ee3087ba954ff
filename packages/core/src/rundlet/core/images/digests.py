"""Digests of bytes in memory (image-spec descriptor.md, "Digests"); of streams: content/verify."""

from __future__ import annotations

import hashlib

from ..errors import DigestMismatch
from .descriptor import digest_parts


def digest_of(data: bytes) -> str:
    """The sha256 digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def check_manifest(data: bytes, digest: str) -> None:
    """Raise DigestMismatch when a manifest does not hash to `digest` ("" checks nothing)."""
    if not digest:
        return
    algorithm, encoded = digest_parts(digest)
    found = hashlib.new(algorithm, data).hexdigest()
    if found != encoded:
        raise DigestMismatch("manifest", digest, f"{algorithm}:{found}")
