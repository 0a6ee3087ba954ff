"""tar-split records (containers/storage): the very archive that a layer was unpacked from."""

from __future__ import annotations

import base64
import gzip
import io
import json
from pathlib import Path

import pytest

from rundlet.core.archive import tar_split
from rundlet.core.errors import Corrupt


def record(path: Path, *items: dict[str, object]) -> str:
    path.write_bytes(gzip.compress("".join(json.dumps(item) + "\n" for item in items).encode()))
    return str(path)


def raw(data: bytes) -> dict[str, object]:
    return {"type": 2, "payload": base64.b64encode(data).decode(), "position": 0}


def assembled(path: str, root: Path) -> bytes:
    out = io.BytesIO()
    tar_split.assemble(path, str(root), out)
    assert tar_split.size(path) == len(out.getvalue())
    return out.getvalue()


def test_bytes_and_files_in_order(tmp_path: Path) -> None:
    """Names that are not UTF-8, and those that a link of the layer leads elsewhere, too."""
    root = tmp_path / "root"
    (root / "usr").mkdir(parents=True)
    (root / "lib").symlink_to("/usr")
    (root / "usr/a").write_text("content")
    Path(root, b"\xff".decode(errors="surrogateescape")).write_text("odd")
    path = record(
        tmp_path / "record",
        raw(b"<one>"),
        {"type": 1, "name": "lib/a", "size": 7, "payload": "AAAAAAAAAAA="},
        raw(b"<two>"),
        {"type": 1, "name": "usr/", "payload": None},
        {"type": 1, "name_raw": base64.b64encode(b"\xff").decode(), "size": 3},
        raw(b""),
    )
    assert assembled(path, root) == b"<one>content<two>odd"


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"type": 1, "name": "gone", "size": 1}, "has lost the file 'gone'"),
        ({"type": 1, "name": "a", "size": 3}, "'a' is not the file of 3 bytes that it was"),
        ({"type": 1, "name": "out", "size": 2}, "has lost the file 'out'"),
        ({"type": 1, "size": 2}, "cannot read"),
        ({"type": 2, "payload": "!"}, "cannot read"),
    ],
)
def test_damage_is_named(tmp_path: Path, item: dict[str, object], said: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").write_text("12")
    (tmp_path / "outside").write_text("12")
    (root / "out").symlink_to("../outside")
    with pytest.raises(Corrupt, match=said):
        tar_split.assemble(record(tmp_path / "record", item), str(root), io.BytesIO())


def test_a_record_that_is_cut_off_or_gone_is_corrupt(tmp_path: Path) -> None:
    path = Path(record(tmp_path / "record", raw(b"x" * 1000)))
    path.write_bytes(path.read_bytes()[:-20])
    for place in (str(path), str(tmp_path / "none")):
        with pytest.raises(Corrupt, match="cannot read"):
            tar_split.size(place)
