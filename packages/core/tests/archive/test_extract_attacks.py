"""Archives that mean harm: nothing outside of the root is touched."""

from __future__ import annotations

import errno
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rundlet.core.archive import extract as extract_module
from rundlet.core.archive.whiteouts import DELETE, OVERLAY, OVERLAY_USER, PLAIN, Whiteouts
from rundlet.core.errors import Corrupt, NoSpace, RundletError, UnsafeArchive

from .unpacking import D, L, S, member, packed, snapshot, unpack


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/evil", "..", "a/..", "../../../../../../tmp/evil", "//x"],
)
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, D, S, tarfile.FIFOTYPE])
def test_names_that_leave(root: Path, outside: Path, name: str, kind: bytes) -> None:
    with pytest.raises(UnsafeArchive):
        unpack(root, packed(member("a", None), member(name, b"", kind, "x")))


@pytest.mark.parametrize(
    "target", ["../outside", "{outside}", "a/../../outside", "sub/../../outside"]
)
def test_symlinks_as_parents(root: Path, outside: Path, target: str) -> None:
    """A link that leads out leads to the same name inside, as chroot would have it."""
    target = target.format(outside=outside)
    unpack(
        root,
        packed(
            member("a/sub", None),
            member("link", b"", S, target),
            member("link/precious", b"overwritten"),
            member("link/new", None),
            member("link/new/file", b"x"),
        ),
    )
    inside = root / (str(outside).lstrip("/") if target.startswith("/") else "outside")
    assert (inside / "precious").read_bytes() == b"overwritten"
    assert (inside / "new/file").read_bytes() == b"x"
    assert (root / "link").is_symlink()


def test_symlink_within_is_followed(root: Path) -> None:
    """The usual merged /usr: `lib -> usr/lib`, then `lib/x`."""
    unpack(
        root,
        packed(
            member("usr/lib", None),
            member("lib", b"", S, "usr/lib"),
            member("lib/one", b"1"),
            member("lib/sub/two", b"2"),
        ),
    )
    assert (root / "usr/lib/one").read_bytes() == b"1"
    assert (root / "usr/lib/sub/two").read_bytes() == b"2"
    assert (root / "lib").is_symlink()


def test_symlink_as_last_name_is_replaced(root: Path, outside: Path) -> None:
    for name, content in (("file", b"new"), ("dir", None)):
        unpack(
            root,
            packed(member(name, b"", S, f"{outside}/precious"), member(name, content)),
        )
        assert not (root / name).is_symlink()


def test_symlink_loop(root: Path) -> None:
    with pytest.raises(UnsafeArchive, match="too many symbolic links"):
        unpack(
            root,
            packed(member("a", b"", S, "b"), member("b", b"", S, "a"), member("a/file", b"")),
        )


def test_symlink_bomb(root: Path) -> None:
    """Each link doubles the way of the one before."""
    links = [member("l0", b"", S, "d")]
    links += [member(f"l{n}", b"", S, f"l{n - 1}/../l{n - 1}") for n in range(1, 39)]
    with pytest.raises(UnsafeArchive):
        unpack(root, packed(member("d", None), *links, member("l38/x", b"")))


@pytest.mark.parametrize(
    "target", ["../outside/precious", "{outside}/precious", ".", "link/precious"]
)
def test_hard_links_out(root: Path, outside: Path, target: str) -> None:
    with pytest.raises(Corrupt):
        unpack(
            root,
            packed(
                member("link", b"", S, str(outside)),
                member("hard", b"", L, target.format(outside=outside)),
            ),
        )


def test_hard_link_to_symlink_is_not_followed(root: Path, outside: Path) -> None:
    unpack(
        root,
        packed(
            member("link", b"", S, f"{outside}/precious"),
            member("hard", b"", L, "link"),
            member("hard", b"new", mode=0o777),
        ),
    )
    assert (root / "hard").read_bytes() == b"new"
    assert (root / "link").is_symlink()


def test_hard_link_then_write(root: Path) -> None:
    """Replacing a name of a file leaves its other names alone."""
    unpack(root, packed(member("a", b"1"), member("b", b"", L, "a"), member("b", b"22")))
    assert ((root / "a").read_bytes(), (root / "b").read_bytes()) == (b"1", b"22")


def test_hard_link_to_itself(root: Path) -> None:
    unpack(root, packed(member("a", b"1"), member("./a", b"", L, "a")))
    assert (root / "a").read_bytes() == b"1"


def test_file_as_parent(root: Path) -> None:
    with pytest.raises(UnsafeArchive, match="'a' is not a directory"):
        unpack(root, packed(member("a", b""), member("a/b", b"")))


@pytest.mark.parametrize(
    "name", [".wh.", ".wh..", ".wh...", "a/.wh..", "a/.wh...", ".wh./x", ".wh.../x"]
)
@pytest.mark.parametrize("style", [OVERLAY, DELETE])
def test_whiteout_names_that_leave(root: Path, outside: Path, name: str, style: Whiteouts) -> None:
    (root / "a").mkdir()
    (root / "a/kept").touch()
    if name.endswith("/x"):  # odd, but a plain directory's name
        unpack(root, packed(member(name, b"")), style)
    else:
        with pytest.raises(UnsafeArchive, match="of no name"):
            unpack(root, packed(member(name, b"")), style)
    assert (root / "a/kept").exists()


@pytest.mark.parametrize("name", [".wh.precious", ".wh..wh..opq", ".wh.sub"])
@pytest.mark.parametrize("style", [OVERLAY, DELETE])
def test_whiteouts_through_links(root: Path, outside: Path, name: str, style: Whiteouts) -> None:
    unpack(root, packed(member("link", b"", S, str(outside)), member(f"link/{name}", b"")), style)


def test_long_and_deep_names(root: Path) -> None:
    for name in ("x/" * 3000 + "y", "z" * 300, "a/" * 1500 + "b"):
        with pytest.raises(UnsafeArchive):
            unpack(root, packed(member(name, b"")))


def test_bomb(root: Path) -> None:
    with pytest.raises(Corrupt, match="over 100 bytes"):
        unpack(root, packed(member("a", b"x" * 60), member("b", b"x" * 41)), limit=100)
    unpack(root, packed(member("a", b"x" * 60), member("b", b"x" * 40)), limit=100)


def test_unknown_kind(root: Path) -> None:
    with pytest.raises(Corrupt, match="unknown kind"):
        unpack(root, packed(member("a", b"", b"M")))


def test_truncated(root: Path) -> None:
    with pytest.raises(Corrupt, match="truncated"):
        unpack(root, packed(member("a", b"x" * 1000))[:1000])


def test_full_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, piece: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(extract_module, "_write", full)
    with pytest.raises(NoSpace, match="unpacking a"):
        unpack(root, packed(member("a", b"x")))


PARTS = st.sampled_from(["a", "b", "c", "..", ".", "", "/", "link", ".wh.a", ".wh..wh..opq"])


PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.tuples(PATHS, st.sampled_from([tarfile.REGTYPE, D, S, L, tarfile.FIFOTYPE]), PATHS),
        max_size=10,
    ),
    st.sampled_from([OVERLAY_USER, DELETE, PLAIN]),
)
def test_nothing_outside_is_touched(
    tmp_path_factory: pytest.TempPathFactory,
    members: list[tuple[str, bytes, str]],
    style: Whiteouts,
) -> None:
    """Any archive of awkward names and links: typed errors at most, all inside the root."""
    base = tmp_path_factory.mktemp("attack")
    (base / "root").mkdir()
    for name in ("a", "b", "c", "link"):
        (base / name).write_text("precious")
    before = snapshot(base)
    try:
        unpack(base / "root", packed(*(member(p, b"", k, t) for p, k, t in members)), style)
    except RundletError:
        pass
    after = snapshot(base)
    for path in list(after):
        if path.startswith(f"{base}/root"):
            after.pop(path)
    before.pop(f"{base}/root")
    assert after == before
