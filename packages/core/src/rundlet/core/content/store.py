"""Blobs by digest: `blobs/sha256/HEX` below the graph root, exactly the bytes received.

A blob is written to a temporary file while it is hashed, made durable, noted in the state,
and renamed into place. A kill leaves at most a temporary, which its lease names, or a row
without a file: both are what `engine.layers.collect` removes, and a file without a row, which
it would not know of, there never is.
"""

from __future__ import annotations

import errno
import os
import time

from ..errors import Corrupt, DigestMismatch, NoSpace, NotFound, StoreError
from ..images.descriptor import Descriptor, digest_parts
from .writeback import WriteBack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import BinaryIO, Self

    from ..engine import Engine
    from ..streams import ReadableFile
    from .blob_files import BlobFiles
    from .verify import Verified

CHUNK = 1 << 20
_SMALL = 4 << 20  # what containers/image accepts for manifests and configs


class BlobStore:
    """The blobs of one graph root. Safe to use from several threads and processes.

    What an engine has put is safe from `collect` until the engine is closed, or calls
    `collect` itself: by then an image refers to it, or nothing ever will.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        root = engine.settings.graph_root
        self.directory = os.path.join(root, "blobs")
        self.temporary = os.path.join(root, "tmp")
        self._files: BlobFiles | None = None
        self._write_back: WriteBack | None = None

    @property
    def files(self) -> BlobFiles:
        """The files, for who writes and deletes them."""
        if self._files is None:
            from .blob_files import BlobFiles

            self._files = BlobFiles(self._engine, self)
        return self._files

    @property
    def write_back(self) -> WriteBack:
        """Of the directory in which blobs are written."""
        if self._write_back is None:
            self._write_back = WriteBack(self.files.temporaries[-1])
        return self._write_back

    def path(self, digest: str) -> str:
        """Where a blob is or would be. Raises InvalidArgument for what is no digest."""
        algorithm, encoded = digest_parts(digest)
        return os.path.join(self.directory, algorithm, encoded)

    def has(self, digest: str) -> bool:
        """Whether the blob is there, whole. Who holds a lease on it then may rely on that."""
        row = self._engine.database.row("SELECT 1 FROM blobs WHERE digest = ?", digest)
        if row is not None:
            return os.path.exists(self.path(digest))
        return self._engine.image_store is not None and self._take(digest)

    def _take(self, digest: str) -> bool:
        """Have it if another graph root keeps it in the image store."""
        with self._engine.image_locks.hold("blob", digest):
            size = self.files.shared(digest)
            if size < 0:
                return False
            self.note(Descriptor(digest, size))
            self.files.take(digest)
        return True

    def note(self, blob: Descriptor) -> None:
        """Write the row of a blob that comes, and hold it."""
        database = self._engine.database
        with database.transaction():
            database.execute(
                "INSERT OR IGNORE INTO blobs (digest, size, media_type, created)"
                " VALUES (?, ?, ?, ?)",
                blob.digest,
                blob.size,
                blob.media_type,
                time.time_ns(),
            )
            self._engine.leases.hold("blob", (blob.digest,))

    def size(self, digest: str) -> int:
        """Bytes of a blob. Raises NotFound."""
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            raise _missing(digest) from None

    def open(self, digest: str) -> BinaryIO:
        """Open a blob for reading. Raises NotFound."""
        try:
            return open(self.path(digest), "rb")
        except FileNotFoundError:
            raise _missing(digest) from None

    def read(self, digest: str, limit: int = _SMALL) -> bytes:
        """The whole of a small blob (manifest, config). Raises NotFound, Corrupt when larger."""
        with self.open(digest) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Corrupt(f"blob {digest} is larger than {limit} bytes")
        return data

    def put(self, stream: ReadableFile, descriptor: Descriptor) -> Descriptor:
        """Store all of a stream; an unknown digest or size is found out.

        Raises DigestMismatch and Corrupt when the bytes are not what the descriptor says,
        NoSpace, StoreError.
        """
        from .verify import checker

        with self.writer(descriptor, checker(stream, descriptor)) as writer:
            while chunk := stream.read(CHUNK):
                writer.write(chunk)
            return writer.commit()

    def put_bytes(self, data: bytes, media_type: str = "") -> Descriptor:
        """Store bytes that are made here."""
        with self.writer(Descriptor("", len(data), media_type)) as writer:
            writer.write(data)
            return writer.commit()

    def writer(self, descriptor: Descriptor, checked: Verified | None = None) -> BlobWriter:
        """A place to write a blob to, piece by piece.

        checked: what all its bytes are read from, if that hashes and checks them already.
        """
        return BlobWriter(self._engine, self, descriptor, checked)

    def drop(self, digests: Sequence[str]) -> bool:
        """Delete blobs, inside a transaction of the caller's, who knows that nothing needs them:
        `engine.layers.collect`. False: some stay for now, on which another graph root works.
        """
        # The files first: a kill must not leave one unknown.
        gone = self.files.drop(digests)
        for digest in gone:
            self._engine.database.execute("DELETE FROM blobs WHERE digest = ?", digest)
        return len(gone) == len(digests)


class BlobWriter:
    """A blob being written; discarded unless `commit` is called. Use as a context manager."""

    def __init__(
        self,
        engine: Engine,
        store: BlobStore,
        descriptor: Descriptor,
        checked: Verified | None = None,
    ) -> None:
        import hashlib

        self._engine = engine
        self._store = store
        self._wanted = descriptor
        self._checked = checked
        self._algorithm = digest_parts(descriptor.digest)[0] if descriptor.digest else "sha256"
        self._hash = hashlib.new(self._algorithm)
        self._what = f"blob {descriptor.digest}" if descriptor.digest else "blob"
        self.size = 0
        self._name = f"blob-{os.urandom(8).hex()}"
        self._directory = store.files.temporaries[-1]
        self._path = os.path.join(self._directory, self._name)
        engine.leases.hold("file", (self._name,))
        self._file = self._open()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            try:
                return os.open(self._path, flags, 0o600)
            except FileNotFoundError:
                os.makedirs(self._directory, mode=0o700, exist_ok=True)
                return os.open(self._path, flags, 0o600)
        except OSError as error:
            raise self._explained(error) from error

    def write(self, data: bytes) -> int:
        """Append. Raises Corrupt as soon as more arrives than the descriptor declares."""
        count = len(data)
        self.size += count
        if 0 <= self._wanted.size < self.size:
            raise Corrupt(f"{self._what}: more than the declared {self._wanted.size} bytes")
        if self._checked is None:
            self._hash.update(data)
        written = 0
        try:
            while written < count:
                written += os.write(self._file, memoryview(data)[written:] if written else data)
        except OSError as error:
            raise self._explained(error) from error
        self._store.write_back.wrote(count)
        return count

    def commit(self) -> Descriptor:
        """Verify, make durable and visible. Raises DigestMismatch, Corrupt, NoSpace."""
        found, size = self._found()
        wanted = self._wanted
        if self.size != size:
            raise Corrupt(f"{self._what}: ended after {self.size} of {size} bytes")
        if wanted.digest and found != wanted.digest:
            raise DigestMismatch("blob", wanted.digest, found)
        done = wanted.replace(digest=found, size=self.size)
        try:
            os.fsync(self._file)
            with self._engine.image_locks.hold("blob", found):  # nobody removes it meanwhile
                self._store.note(done)
                self._store.files.place(self._path, found)
            self._engine.leases.drop("file", self._name)
        except OSError as error:
            raise self._explained(error) from error
        self._close()
        return done

    def _found(self) -> tuple[str, int]:
        """The digest of what was written, and the size that it has to have."""
        if self._checked is None:
            size = self.size if self._wanted.size < 0 else self._wanted.size
            return f"{self._algorithm}:{self._hash.hexdigest()}", size
        seen = self._checked.descriptor
        return seen.digest, seen.size

    def abort(self) -> None:
        """Discard what was written. No error after `commit`."""
        if self._file < 0:
            return
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            pass
        self._engine.leases.drop("file", self._name)
        self._close()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _explained(self, error: OSError) -> NoSpace | StoreError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return NoSpace(
                f"no space left below {self._directory} for {self._what}",
                remedy="Free some space: rundlet system prune",
            )
        return StoreError(f"cannot store {self._what} below {self._directory}: {error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()


def _missing(digest: str) -> NotFound:
    return NotFound(
        f"blob {digest} is not in the store", remedy="See whose it is: rundlet system check"
    )
