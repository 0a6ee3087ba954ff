"""Blobs, and what a kill leaves of them: nothing that the next collection does not clear."""

from __future__ import annotations

import hashlib
import io
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rundlet.core.content.verify import Verified
from rundlet.core.engine import Engine
from rundlet.core.errors import Busy, Corrupt, DigestMismatch
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.settings.snapshot import Settings

# Puts a blob, or removes the one that is there, and dies before or after a system call.
VICTIM = """
import os, sys
from rundlet.core.engine import Engine
from rundlet.core.settings.snapshot import Settings
root, what, call, when = sys.argv[1:]
engine = Engine(Settings(graph_root=root + "/graph", run_root=root + "/run"))
real = getattr(os, call)
def deadly(*arguments, **options):
    if when == "after":
        real(*arguments, **options)
    os.kill(os.getpid(), 9)
if what == "put":
    setattr(os, call, deadly)
    engine.blobs.put_bytes(b"content")
digest = engine.blobs.put_bytes(b"content").digest
engine.leases.release()
setattr(os, call, deadly)
engine.layers.collect()
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(Settings(graph_root=str(tmp_path / "graph"), run_root=str(tmp_path / "run")))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("what", "call"), [("put", "rename"), ("remove", "unlink")])
def test_killed(engine: Engine, tmp_path: Path, what: str, call: str, when: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", VICTIM, str(tmp_path), what, call, when],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    engine.layers.collect()
    assert not [path for path in (tmp_path / "graph/blobs").rglob("*") if path.is_file()]
    assert not list((tmp_path / "graph/tmp").iterdir())
    assert engine.database.rows("SELECT digest FROM blobs") == []
    digest = engine.blobs.put_bytes(b"content").digest
    assert engine.blobs.read(digest) == b"content"
    engine.close()


def test_another_collects_nothing_that_is_under_way(engine: Engine) -> None:
    """Until its engine lets go: by then an image has it, or nothing ever will."""
    digest = engine.blobs.put_bytes(b"content").digest
    with Engine(engine.settings) as other:
        other.layers.collect()
        assert engine.blobs.has(digest)
        engine.close()
        other.layers.collect()
        assert not other.blobs.has(digest)


def test_a_blob_is_on_disk_before_it_has_its_name(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut tears must not have its name."""
    named: list[bool] = []
    path = Path(engine.blobs.path(f"sha256:{hashlib.sha256(b'content').hexdigest()}"))
    monkeypatch.setattr("os.fsync", lambda descriptor: named.append(path.exists()))
    engine.blobs.put_bytes(b"content")
    assert named == [False]
    assert path.exists()
    engine.close()


def test_it_waits_for_who_removes_it(engine: Engine) -> None:
    digest = f"sha256:{hashlib.sha256(b'content').hexdigest()}"
    engine.image_locks.timeout = 0
    with engine.image_locks.hold("blob", digest), pytest.raises(Busy):
        engine.blobs.put_bytes(b"content")
    assert not engine.blobs.has(digest)
    assert engine.blobs.put_bytes(b"content").digest == digest


def test_what_is_written_is_checked(engine: Engine) -> None:
    digest = f"sha256:{hashlib.sha256(b'content').hexdigest()}"
    with engine.blobs.writer(Descriptor(digest, -1)) as writer:
        writer.write(b"other")
        with pytest.raises(DigestMismatch):
            writer.commit()
    assert not engine.blobs.has(digest)


def test_only_a_small_one_is_read_whole(engine: Engine) -> None:
    digest = engine.blobs.put_bytes(b"content").digest
    assert engine.blobs.read(digest, 7) == b"content"
    with pytest.raises(Corrupt, match="larger than 6 bytes"):
        engine.blobs.read(digest, 6)


def test_checked_by_whom_it_is_read_from(engine: Engine) -> None:
    """A stream that checks itself is not hashed twice, and not believed before its end."""
    content = b"content" * 1000
    right = Descriptor(f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))
    stream = Verified(io.BytesIO(content), right, "blob")  # type: ignore[arg-type]
    assert engine.blobs.put(stream, right).digest == right.digest  # type: ignore[arg-type]
    assert engine.blobs.read(right.digest) == content
    wrong = right.replace(digest=f"sha256:{'0' * 64}")
    with pytest.raises(DigestMismatch):
        engine.blobs.put(Verified(io.BytesIO(content), wrong, "blob"), wrong)  # type: ignore[arg-type]
    half = Verified(io.BytesIO(content), right, "blob")  # type: ignore[arg-type]
    with engine.blobs.writer(right, half) as writer:
        writer.write(half.read(100))
        with pytest.raises(Corrupt, match="not read to its end"):
            writer.commit()
    assert not list(Path(engine.blobs.temporary).iterdir())
    engine.close()


def test_disk_begins_before_a_large_blob_ends(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One round of write-back at a time, after every 32 MB."""
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def syncfs(descriptor: int) -> None:
        begun.release()
        go_on.acquire()

    monkeypatch.setattr("rundlet.core.linux.syscalls.syncfs", syncfs)
    piece = bytes(8 << 20)
    with engine.blobs.writer(Descriptor("", -1)) as writer:
        for _ in range(4):
            assert not begun.acquire(blocking=False)
            writer.write(piece)
        assert begun.acquire(timeout=30)
        for _ in range(8):
            writer.write(piece)
        assert not begun.acquire(blocking=False)
        go_on.release(3)
        deadline = time.monotonic() + 30
        while not begun.acquire(timeout=0.01):
            writer.write(b"more")
            assert time.monotonic() < deadline
    engine.close()
