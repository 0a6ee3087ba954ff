"""Blobs by digest: `blobs/sha256/HEX` below the graph root, exactly the bytes received.

A blob is written to a temporary file while it is hashed, made durable, and renamed into
place; its row is written last. A kill leaves a temporary at most, which `collect` removes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time

from ..errors import Corrupt, DigestMismatch, NoSpace, NotFound
from ..images.descriptor import Descriptor, digest_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import BinaryIO, Self

    from ..engine import Engine

CHUNK = 1 << 20


class BlobStore:
    """The blobs of one graph root. Safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.directory = os.path.join(engine.settings.graph_root, "blobs")
        self.temporary = engine.settings.temporary or os.path.join(
            engine.settings.graph_root, "tmp"
        )

    def path(self, digest: str) -> str:
        """Where a blob is or would be. Raises InvalidArgument for what is no digest."""
        algorithm, encoded = digest_parts(digest)
        return os.path.join(self.directory, algorithm, encoded)

    def has(self, digest: str) -> bool:
        """Whether the blob is there, whole."""
        return os.path.exists(self.path(digest))

    def size(self, digest: str) -> int:
        """Bytes of a blob. Raises NotFound."""
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            raise NotFound(f"blob {digest} is not in the store") from None

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading. Raises NotFound."""
        try:
            return open(self.path(digest), "rb")
        except FileNotFoundError:
            raise NotFound(f"blob {digest} is not in the store") from None

    def read(self, digest: str, limit: int = 4 << 20) -> bytes:
        """The whole of a small blob (manifest, config). Raises NotFound, Corrupt when larger."""
        with self.open(digest) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Corrupt(f"blob {digest} is larger than {limit} bytes")
        return data

    def put(self, stream: BinaryIO, descriptor: Descriptor) -> Descriptor:
        """Store all of a stream; an unknown digest or size is found out.

        Raises DigestMismatch and Corrupt when the bytes are not what the descriptor says.
        """
        with self.writer(descriptor) as writer:
            while chunk := stream.read(CHUNK):
                writer.write(chunk)
            return writer.commit()

    def put_bytes(self, data: bytes, media_type: str = "") -> Descriptor:
        """Store bytes that are made here."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        with self.writer(Descriptor(digest, len(data), media_type)) as writer:
            writer.write(data)
            return writer.commit()

    def writer(self, descriptor: Descriptor) -> BlobWriter:
        """A place to write a blob to, piece by piece."""
        return BlobWriter(self, descriptor)

    def remember(self, descriptor: Descriptor) -> None:
        """Write a blob's row. For threads: opens a connection of its own."""
        database = self._engine.database.again()
        try:
            database.execute(
                "INSERT OR IGNORE INTO blobs (digest, size, media_type, created)"
                " VALUES (?, ?, ?, ?)",
                descriptor.digest,
                descriptor.size,
                descriptor.media_type,
                time.time_ns(),
            )
        finally:
            database.close()

    def remove(self, digest: str) -> None:
        """Delete a blob; the caller knows that nothing refers to it."""
        self._engine.database.execute("DELETE FROM blobs WHERE digest = ?", digest)
        try:
            os.unlink(self.path(digest))
        except FileNotFoundError:
            pass


class BlobWriter:
    """A blob being written; discarded unless `commit` is called. Use as a context manager."""

    def __init__(self, store: BlobStore, descriptor: Descriptor) -> None:
        self._store = store
        self._descriptor = descriptor
        algorithm = digest_parts(descriptor.digest)[0] if descriptor.digest else "sha256"
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self.size = 0
        self._path = os.path.join(store.temporary, f"blob-{os.getpid()}-{secrets.token_hex(8)}")
        self._file = self._open()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            os.makedirs(self._store.temporary, mode=0o700, exist_ok=True)
            return os.open(self._path, flags, 0o600)

    def write(self, data: bytes) -> int:
        """Append. Raises Corrupt as soon as more arrives than the descriptor declares."""
        self.size += len(data)
        if 0 <= self._descriptor.size < self.size:
            raise Corrupt(
                f"blob {self._descriptor.digest}: more than the declared"
                f" {self._descriptor.size} bytes"
            )
        self._hash.update(data)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace(
                    f"no space left below {self._store.temporary} for blob"
                    f" {self._descriptor.digest}",
                    remedy="Free some space: rundlet system prune",
                ) from None
            raise
        return len(data)

    def commit(self) -> Descriptor:
        """Verify, make durable and visible. Raises DigestMismatch, Corrupt."""
        found = f"{self._algorithm}:{self._hash.hexdigest()}"
        wanted = self._descriptor
        if 0 <= wanted.size != self.size:
            raise Corrupt(
                f"blob {wanted.digest}: {self.size} bytes, the manifest declares {wanted.size}"
            )
        if wanted.digest and found != wanted.digest:
            raise DigestMismatch("blob", wanted.digest, found)
        done = wanted.replace(digest=found, size=self.size)
        target = self._store.path(found)
        os.fsync(self._file)
        try:
            os.rename(self._path, target)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), mode=0o711, exist_ok=True)
            os.rename(self._path, target)
        self._store.remember(done)
        self._close()
        return done

    def abort(self) -> None:
        """Discard what was written. No error after `commit`."""
        if self._file >= 0:
            try:
                os.unlink(self._path)
            except FileNotFoundError:
                pass
        self._close()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()
