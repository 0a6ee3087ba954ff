"""A full disk, of which not a byte is left: what frees space can still be noted."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rundlet.core.state import reserve
from rundlet.core.state.database import Database

RESERVE = "state.db-reserve"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", tmp_path], check=True)
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def fill_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file, pytest.raises(OSError) as caught:
        while True:
            file.write(b"x" * 4096)
    assert caught.value.errno == errno.ENOSPC


def test_rows_are_read_and_deleted_on_a_full_disk(small: Path) -> None:
    database = Database(str(small))
    database.execute("INSERT INTO settings VALUES ('a', 'b')")
    database.close()
    assert (small / RESERVE).stat().st_blocks * 512 == reserve.SIZE
    fill_up(small / "filler")
    database = Database(str(small))
    assert database.rows("SELECT value FROM settings WHERE name = 'a'") == [("b",)]
    with database.transaction():
        database.execute("DELETE FROM settings WHERE name = 'a'")
    database.close()
    assert not (small / RESERVE).exists()
    (small / "filler").unlink()
    Database(str(small)).close()
    assert (small / RESERVE).exists()


def test_a_disk_with_little_space_has_no_reserve(small: Path) -> None:
    (small / "filler").write_bytes(b"x" * (4 << 20))
    Database(str(small)).close()
    assert not (small / RESERVE).exists()
