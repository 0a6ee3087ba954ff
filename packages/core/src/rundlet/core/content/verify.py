"""A reader that cannot be mistaken: what does not match its descriptor never ends well."""

from __future__ import annotations

import hashlib

from ..errors import Corrupt, DigestMismatch
from ..images.descriptor import Descriptor, digest_parts
from .compress import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..errors import RundletError
    from ..streams import ReadableFile

_UNKNOWN = "sha256"
"""What an unknown digest is found out as: the algorithm that every tool takes."""


def verified(stream: ReadableFile, descriptor: Descriptor, what: str) -> Verified:
    """`stream` checked against a descriptor: itself when that is what it does already.

    A copy checks what it reads, and a destination what it is given: nothing is hashed twice.
    """
    return checker(stream, descriptor) or Verified(stream, descriptor, what)


def checker(stream: ReadableFile, descriptor: Descriptor) -> Verified | None:
    """A stream of which nothing was read yet, if it is what checks against this descriptor."""
    return stream if isinstance(stream, Verified) and stream.checks(descriptor) else None


class Verified(Stream):
    """Bytes of `stream`, hashed and counted while they pass.

    descriptor: a known digest and size are checked; "" and -1 are found out. what: names
    the thing in errors ("layer sha256:... of busybox").

    With a known size the check happens *before* the last bytes are given out, so even a
    consumer that reads exactly `size` bytes and never sees the end has read what was
    promised, or got an error. Never returns more than the declared size. Raises
    DigestMismatch, or Corrupt for a wrong length; once it has, every read does.
    """

    def __init__(self, stream: ReadableFile, descriptor: Descriptor, what: str) -> None:
        super().__init__(stream)
        self._descriptor = descriptor
        self._what = what
        algorithm = digest_parts(descriptor.digest)[0] if descriptor.digest else _UNKNOWN
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self._count = 0
        self._failure: RundletError | None = None
        self.verified = False

    def checks(self, descriptor: Descriptor) -> bool:
        """Whether this is just what checks against `descriptor` from the first byte on."""
        mine = self._descriptor
        if self._count or not mine.digest or mine.digest != descriptor.digest:
            return False
        return descriptor.size in (-1, mine.size)

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor with digest and size as found. Only once `verified`."""
        if not self.verified:
            raise self._failure or Corrupt(f"{self._what}: not read to its end")
        return self._descriptor.replace(
            digest=f"{self._algorithm}:{self._hash.hexdigest()}", size=self._count
        )

    def complete(self, descriptor: Descriptor) -> Descriptor:
        """`descriptor` with digest and size as found. Only once `verified`."""
        found = self.descriptor
        return descriptor.replace(digest=found.digest, size=found.size)

    @property
    def count(self) -> int:
        """Bytes read so far."""
        return self._count

    def finish(self) -> Descriptor:
        """Read what is left, check, and return the descriptor with both known."""
        while self._next(1 << 18):
            pass
        return self.descriptor

    def _next(self, most: int) -> bytes:
        if self._failure is not None:
            raise self._failure
        if self.verified or most <= 0:
            return b""
        size = self._descriptor.size
        piece = self._source.read(most if size < 0 else min(most, size - self._count))
        if not piece and 0 <= self._count < size:
            self._fail(Corrupt(f"{self._what}: ended after {self._count} of {size} bytes"))
        self._hash.update(piece)
        self._count += len(piece)
        if self._count == size and self._source.read(1):
            self._fail(Corrupt(f"{self._what}: longer than its {size} bytes"))
        if self._count == size or not piece:
            self._check()
        return piece

    def _check(self) -> None:
        actual = f"{self._algorithm}:{self._hash.hexdigest()}"
        if self._descriptor.digest and actual != self._descriptor.digest:
            self._fail(DigestMismatch(self._what, self._descriptor.digest, actual))
        self.verified = True

    def _fail(self, error: RundletError) -> None:
        self._failure = error
        raise error
