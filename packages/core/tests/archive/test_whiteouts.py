"""Whiteouts: as overlayfs has them, carried out, or none."""

from __future__ import annotations

import os
from pathlib import Path

from rundlet.core.archive.whiteouts import DELETE, PLAIN

from .unpacking import is_whiteout, member, packed, root_only, tree, unpack


@root_only
def test_whiteouts_of_overlay(root: Path) -> None:
    unpack(
        root,
        packed(
            member("dir", None),
            member("dir/.wh.gone", b""),
            member("opaque", None),
            member("opaque/.wh..wh..opq", b""),
            member("opaque/new", b""),
            member(".wh..wh.plnk", None),
            member(".wh..wh.aufs", b""),
            member("missing/.wh.x", b""),
            member(".wh.replaced", b""),
            member("replaced", b"file"),
            member(".wh.remade", b""),
            member("remade", None),
            member("first", None),
            member(".wh.first", b""),
        ),
    )
    assert is_whiteout(root / "dir/gone")
    assert is_whiteout(root / "missing/x")
    assert os.getxattr(root / "opaque", "trusted.overlay.opaque") == b"y"
    assert (root / "replaced").read_bytes() == b"file"
    for name in ("remade", "first"):  # the layer's directory does not merge with a lower one
        assert os.getxattr(root / name, "trusted.overlay.opaque") == b"y"
    assert not any(name.startswith(".wh") for name in os.listdir(root))
    assert os.listxattr(root / "dir") == []


def test_whiteouts_that_delete(root: Path) -> None:
    for path in ("dir/gone/deep", "dir/kept", "opaque/old/deep", "opaque/own-dir", "whole/x"):
        (root / path).mkdir(parents=True)
    (root / "opaque/own-dir/old").touch()
    (root / "file").touch()
    unpack(
        root,
        packed(
            member("dir/.wh.gone", b""),
            member("dir/.wh.never-there", b""),
            member("nowhere/.wh.x", b""),
            member("opaque/own", b""),
            member("opaque/own-dir/new", b""),
            member("opaque/.wh..wh..opq", b""),
            member(".wh.file", b""),
            member("file", b"new"),
            member("whole/new", b""),
            member(".wh.whole", b""),
        ),
        DELETE,
    )
    assert tree(root) == [
        "dir",
        "dir/kept",
        "file",
        "opaque",
        "opaque/own",
        "opaque/own-dir",
        "opaque/own-dir/new",
        "whole",
        "whole/new",
    ]


def test_plain_archives_have_no_whiteouts(root: Path) -> None:
    unpack(root, packed(member(".wh.x", b"a file")), PLAIN)
    assert (root / ".wh.x").read_bytes() == b"a file"
