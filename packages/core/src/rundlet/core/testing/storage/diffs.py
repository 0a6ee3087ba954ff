"""What a layer says of the one below it: whiteouts, attributes, diffs and changes."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

from ...contracts.storage import StorageDriver
from ..archives import Archive, snapshot
from .base import PLAIN, A, B, C, D, StorageSuite, members, tree


class Diffs(StorageSuite):
    """What goes into a layer comes out of it."""

    # --- whiteouts (image-spec layer.md)

    def test_whiteouts_hide(self, driver: StorageDriver, view: Callable[..., str]) -> None:
        """STORAGE-WHITEOUT: files, directories and all content of a directory can be hidden."""
        driver.apply(A, (), tree().stream())
        upper = Archive().file("etc/.wh.passwd").file(".wh.var").file(".wh.link")
        upper.directory("opt").file("opt/.wh..wh..opq").file("opt/three", "3")
        driver.apply(B, (A,), upper.stream())
        root = view(B, A)
        assert sorted(os.listdir(root)) == ["etc", "opt"]
        assert os.listdir(f"{root}/etc") == ["group"]
        assert os.listdir(f"{root}/opt") == ["three"]

    def test_hidden_things_come_back_new(
        self, driver: StorageDriver, view: Callable[..., str]
    ) -> None:
        """STORAGE-WHITEOUT: what a later layer makes again has nothing of what was hidden."""
        driver.apply(A, (), tree().stream())
        driver.apply(B, (A,), Archive().file(".wh.var").file("etc/.wh.passwd").stream())
        again = Archive().directory("var").file("var/new", "n").file("etc/passwd", "new")
        driver.apply(C, (B, A), again.stream())
        root = view(C, B, A)
        assert os.listdir(f"{root}/var") == ["new"]
        assert Path(root, "etc/passwd").read_text() == "new"

    def test_whiteouts_spare_their_own_layer(
        self, driver: StorageDriver, view: Callable[..., str]
    ) -> None:
        """STORAGE-WHITEOUT: a whiteout hides what the parents have, in whatever order its layer is
        written."""
        driver.apply(A, (), tree().stream())
        upper = Archive().directory("opt").file("opt/new", "n").file("opt/.wh..wh..opq")
        upper.file("opt/one", "mine").file(".wh.etc").directory("etc").file("etc/mine")
        driver.apply(B, (A,), upper.stream())
        root = view(B, A)
        assert sorted(os.listdir(f"{root}/opt")) == ["new", "one"]
        assert os.listdir(f"{root}/etc") == ["mine"]

    def test_kinds_replace_each_other(
        self, driver: StorageDriver, view: Callable[..., str]
    ) -> None:
        """STORAGE-WHITEOUT: a file over a directory, a directory over a file, a link over both."""
        driver.apply(A, (), tree().stream())
        upper = Archive().file("opt", "now a file").directory("link").file("link/in")
        driver.apply(B, (A,), upper.symlink("var", "etc").stream())
        root = Path(view(B, A))
        assert (root / "opt").read_text() == "now a file"
        assert os.listdir(root / "link") == ["in"]
        assert os.readlink(root / "var") == "etc"

    # --- STORAGE-DIFF-ROUNDTRIP

    def everything(self) -> Archive:
        """A layer with one of each."""
        archive = Archive().add("dir", tarfile.DIRTYPE, mode=0o3775, owner=(1, 2), time=5.5)
        archive.add("dir/setuid", content=b"x" * 5000, mode=0o6755, owner=(1000, 2_500_000))
        archive.add("dir/xattr", content=b"x", xattrs={"user.a": "b", "trusted.c": "d"})
        archive.hard_link("dir/other", "dir/setuid").symlink("dir/link", "../" + "l" * 150)
        archive.add("fifo", tarfile.FIFOTYPE, mode=0o600)
        archive.add("null", tarfile.CHRTYPE, mode=0o666, device=(1, 3))
        archive.add("disk", tarfile.BLKTYPE, mode=0o660, owner=(0, 6), device=(259, 70000))
        archive.add("old", time=-1.5).add("new", time=4_102_444_800.000000001)
        archive.directory("d" * 200).file("d" * 200 + "/" + "f" * 255, "long")
        return archive.file("späce ünd\nnewline", "odd").file("empty").directory("bare", 0)

    def test_attributes_are_kept(self, driver: StorageDriver, view: Callable[..., str]) -> None:
        """STORAGE-ATTRIBUTES: modes, owners, times, xattrs, links and devices are as the archive
        says."""
        driver.apply(A, (), self.everything().stream())
        root = view(A)
        found = snapshot(root)
        assert found["/dir"][:2] == ("drwxrwsr-t", (1, 2)) and found["/dir"][4] == 5_500_000_000
        assert found["/dir/setuid"][:2] == ("-rwsr-sr-x", (1000, 2_500_000))
        assert found["/dir/setuid"][6] == ("/dir/other", "/dir/setuid")
        assert found["/dir/xattr"][5] == (("trusted.c", b"d"), ("user.a", b"b"))
        assert found["/dir/link"][3] == "../" + "l" * 150
        assert found["/null"][:3] == ("crw-rw-rw-", (0, 0), os.makedev(1, 3))
        assert found["/disk"][:3] == ("brw-rw----", (0, 6), os.makedev(259, 70000))
        assert found["/fifo"][0] == "prw-------"
        assert found["/old"][4] == -1_500_000_000
        assert found["/bare"][0] == "d---------"
        assert "/späce ünd\nnewline" in found

    def test_diff_roundtrip_of_an_image_layer(
        self, driver: StorageDriver, view: Callable[..., str]
    ) -> None:
        """STORAGE-DIFF-ROUNDTRIP of everything that an archive can hold."""
        driver.apply(A, (), tree().stream())
        driver.apply(B, (A,), self.everything().file("etc/.wh.group").stream())
        out = io.BytesIO()
        driver.diff(B, (A,), out)
        driver.apply(C, (A,), io.BytesIO(out.getvalue()))
        one, other = snapshot(view(B, A)), snapshot(view(C, A))
        one.pop(""), other.pop("")  # the root itself is not in a layer's archive
        assert one == other
        again = io.BytesIO()
        driver.diff(C, (A,), again)
        assert again.getvalue() == out.getvalue(), "STORAGE-DIFF-ROUNDTRIP: same bytes"

    def test_diff_roundtrip_of_a_containers_layer(self, driver: StorageDriver) -> None:
        """STORAGE-DIFF-ROUNDTRIP of what a container did to its root."""
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        root = Path(driver.mount(B, (A,), PLAIN))
        (root / "etc/passwd").unlink()
        (root / "opt/one").rename(root / "opt/renamed")
        (root / "var/lib/state").unlink()
        (root / "var/lib").rmdir()
        (root / "var/lib").mkdir()
        (root / "var/lib/fresh").write_text("x")
        (root / "etc/group").write_text("more")
        (root / "opt/two").chmod(0o4755)
        os.setxattr(root / "opt/two", "user.x", b"\0binary\xff")
        os.link(root / "opt/two", root / "opt/second")
        expected = snapshot(str(root))
        out = io.BytesIO()
        driver.diff(B, (A,), out)
        driver.apply(C, (A,), io.BytesIO(out.getvalue()))
        driver.create(D, (C, A))
        found = snapshot(driver.mount(D, (C, A), PLAIN))
        expected.pop(""), found.pop("")
        assert found == expected
        names = members(out).keys()
        assert "opt/.wh.one" in names and "etc/.wh.passwd" in names
        assert not any(name.startswith(("link", "var/lib/state")) for name in names)

    def test_holes_stay_holes(self, driver: StorageDriver, view: Callable[..., str]) -> None:
        """STORAGE-DIFF-ROUNDTRIP: a sparse file takes its space in a layer, a copy and a diff."""
        driver.apply(A, (), Archive().file("x").stream())
        driver.create(B, (A,))
        path = Path(driver.mount(B, (A,), PLAIN), "sparse")
        with path.open("wb") as file:
            file.seek(8 << 20)
            file.write(b"middle")
            file.truncate(32 << 20)
        out = io.BytesIO()
        driver.diff(B, (A,), out)
        driver.apply(C, (A,), io.BytesIO(out.getvalue()))
        copy = Path(view(C, A), "sparse")
        assert copy.stat().st_size == 32 << 20
        assert copy.read_bytes() == path.read_bytes()
        assert copy.stat().st_blocks * 512 < 2 << 20, "STORAGE-DIFF-ROUNDTRIP: holes"

    def test_diffs_are_sorted(self, driver: StorageDriver) -> None:
        """STORAGE-DIFF-ROUNDTRIP: a diff is deterministic: sorted by path."""
        archive = Archive()
        for name in ("b", "a", "c", "B"):
            archive.directory(name).file(f"{name}/z").file(f"{name}/a")
        driver.apply(A, (), archive.stream())
        out = io.BytesIO()
        driver.diff(A, (), out)
        names = members(out).keys()
        assert list(names) == sorted(names)

    def test_changes(self, driver: StorageDriver) -> None:
        """STORAGE-CHANGES: added, changed and deleted paths, sorted."""
        driver.apply(A, (), tree().stream())
        assert [change.path for change in driver.changes(A, ())][:3] == [
            "/etc",
            "/etc/group",
            "/etc/passwd",
        ]
        assert {change.kind for change in driver.changes(A, ())} == {"A"}
        driver.create(B, (A,))
        assert list(driver.changes(B, (A,))) == []
        root = Path(driver.mount(B, (A,), PLAIN))
        (root / "etc/passwd").unlink()
        (root / "etc/new").write_text("x")
        (root / "opt/one").write_text("changed")
        for name in ("var/lib/state",):
            (root / name).unlink()
        (root / "var/lib").rmdir()
        (root / "var").rmdir()
        found = [f"{change.kind} {change.path}" for change in driver.changes(B, (A,))]
        assert found == [
            "C /etc",
            "A /etc/new",
            "D /etc/passwd",
            "C /opt",
            "C /opt/one",
            "D /var",
        ]

    def test_changes_below_an_opaque_directory(self, driver: StorageDriver) -> None:
        """STORAGE-CHANGES: a directory made again says what of the old one is gone."""
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        root = Path(driver.mount(B, (A,), PLAIN))
        for name in ("one", "two"):
            (root / "opt" / name).unlink()
        (root / "opt").rmdir()
        (root / "opt").mkdir()
        (root / "opt/two").write_text("again")
        found = [f"{change.kind} {change.path}" for change in driver.changes(B, (A,))]
        assert found == ["C /opt", "D /opt/one", "C /opt/two"]

    def test_usage(self, driver: StorageDriver) -> None:
        """STORAGE-USAGE: bytes of content and inodes; hard links count once."""
        archive = Archive().file("a", "x" * 1000).hard_link("b", "a").directory("d")
        usage = driver.apply(A, (), archive.stream())
        assert (usage.size, usage.inodes) == (1000, 3 - 1)
        assert driver.usage(A) == usage
