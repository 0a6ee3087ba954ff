"""The contract suite of storage drivers (contracts/storage.py).

    class TestMine(StorageDriverContract):
        @pytest.fixture
        def make(self):
            return MyDriver

Needs root, as the drivers do.
"""

from __future__ import annotations

import io
import os
import signal
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..contracts.storage import IdMap, MountOptions, StorageDriver
from ..errors import Corrupt, RundletError, UnsafeArchive
from ..linux.syscalls import MNT_DETACH, unmount
from .archives import Archive, snapshot

A, B, C, D, E = (letter * 64 for letter in "abcde")
PLAIN = MountOptions()
MAPPED = MountOptions(uid_map=(IdMap(0, 100000, 65536),), gid_map=(IdMap(0, 200000, 65536),))

Make = Callable[[str], StorageDriver]


class Broken(io.RawIOBase):
    """A stream that gives some bytes, then does `then`."""

    def __init__(self, data: bytes, then: Callable[[], Any]) -> None:
        self._data = io.BytesIO(data)
        self._then = then

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, 512) if size >= 0 else 512) or self._then() or b""


def tree(*, before: str = "") -> Archive:
    """A small base layer."""
    archive = Archive().directory("etc").file("etc/passwd", "root").file("etc/group", "root")
    archive.directory("var", 0o755).directory("var/lib").file("var/lib/state", "1")
    archive.directory("opt").file("opt/one", "1").file("opt/two", "2")
    return archive.symlink("link", "etc/passwd")


class StorageDriverContract:
    """Subclass it and give a `make` fixture: what makes a driver for a home."""

    @pytest.fixture
    def make(self) -> Make:
        """A function from a home to a driver."""
        raise NotImplementedError("give a fixture make")

    @pytest.fixture
    def home(self, tmp_path: Path) -> str:
        """Where the driver under test keeps its layers."""
        return str(tmp_path / "graph" / "driver")

    @pytest.fixture
    def driver(self, make: Make, home: str) -> Iterator[StorageDriver]:
        """The driver under test; what it mounted is unmounted afterwards."""
        if os.geteuid() != 0:
            pytest.skip("storage drivers need root here")
        made = make(home)
        found = made.probe()
        if not found.works:
            pytest.skip(f"{made.name}: {found.reason}")
        yield made
        for layer in list(made.layers()):
            made.unmount(layer)

    @pytest.fixture
    def view(self, driver: StorageDriver) -> Iterator[Callable[..., str]]:
        """`view(layers...)`: a fresh writable layer over them (topmost first), mounted."""
        made: list[str] = []

        def mount(*parents: str, options: MountOptions = PLAIN) -> str:
            layer = f"{len(made):02}" + "f" * 62
            driver.create(layer, parents)
            made.append(layer)
            return driver.mount(layer, parents, options)

        yield mount
        for layer in made:
            driver.remove(layer)

    @staticmethod
    def left(home: str) -> list[str]:
        """Files below home that belong to no layer: what a driver leaves lying about."""
        return [
            os.path.join(directory, name)
            for directory, names, files in os.walk(home)
            for name in files
        ]

    # --- what it is for

    def test_probe_leaves_nothing(self, make: Make, tmp_path: Path) -> None:
        """STORAGE-PROBE: a probe works before there is a home, and leaves nothing behind."""
        before = sorted(tmp_path.rglob("*"))
        found = make(str(tmp_path / "not" / "there")).probe()
        assert found.works or found.reason
        assert sorted(tmp_path.rglob("*")) == before

    def test_layers_show_through(self, driver: StorageDriver, view: Callable[..., str]) -> None:
        """STORAGE-STACK: the upper layer wins, the rest shows through; nothing is written to the
        layers."""
        driver.apply(A, (), tree().stream())
        driver.apply(B, (A,), Archive().directory("etc").file("etc/passwd", "upper").stream())
        root = Path(view(B, A))
        assert (root / "etc/passwd").read_text() == "upper"
        assert (root / "etc/group").read_text() == "root"
        assert (root / "link").read_text() == "upper"
        (root / "etc/group").write_text("changed")
        (root / "opt/one").unlink()
        other = Path(view(B, A))
        assert (other / "etc/group").read_text() == "root"
        assert (other / "opt/one").read_text() == "1"

    def test_without_parents(self, driver: StorageDriver, view: Callable[..., str]) -> None:
        """STORAGE-STACK: a writable layer over nothing is an empty, usable root."""
        root = Path(view())
        assert os.listdir(root) == []
        (root / "file").write_text("x")
        assert root.stat().st_mode & 0o7777 == 0o755

    def test_read_only_mounts(self, driver: StorageDriver) -> None:
        """STORAGE-STACK: an image's layer can be looked at without a writable one."""
        driver.apply(A, (), tree().stream())
        driver.apply(B, (A,), Archive().file("new", "x").stream())
        for layer, parents in ((A, ()), (B, (A,))):
            root = Path(driver.mount(layer, parents, MountOptions(read_only=True)))
            assert (root / "etc/passwd").read_text() == "root"
            driver.unmount(layer)

    def test_the_root_directory_is_the_images(
        self, driver: StorageDriver, view: Callable[..., str]
    ) -> None:
        """STORAGE-ATTRIBUTES: mode and owner of the root that an archive describes are the
        container's."""
        archive = Archive().add("./", tarfile.DIRTYPE, mode=0o1711, owner=(5, 6))
        driver.apply(A, (), archive.file("f").stream())
        driver.apply(B, (A,), Archive().file("g").stream())
        info = os.stat(view(B, A))
        assert (info.st_mode & 0o7777, info.st_uid, info.st_gid) == (0o1711, 5, 6)

    def test_many_layers(self, driver: StorageDriver, view: Callable[..., str]) -> None:
        """STORAGE-STACK: works for more than 100 parents."""
        chain: tuple[str, ...] = ()
        for number in range(128):
            layer = f"{number:064x}"
            archive = Archive().file(f"file{number}", str(number)).file("top", str(number))
            driver.apply(layer, chain, archive.stream())
            chain = (layer, *chain)
        root = Path(view(*chain))
        assert len(os.listdir(root)) == 129
        assert (root / "top").read_text() == "127"
        assert (root / "file0").read_text() == "0"
        (root / "top").write_text("x")

    def test_odd_homes(self, make: Make, tmp_path: Path) -> None:
        """STORAGE-STACK: separators of mount options in the path of home do no harm."""
        driver = make(str(tmp_path / "a:b,c d\\e=f\n"))
        if not driver.probe().works:
            pytest.skip(driver.probe().reason)
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        assert "etc" in os.listdir(driver.mount(B, (A,), PLAIN))
        driver.remove(B)

    def test_missing_parents_are_corrupt(self, driver: StorageDriver) -> None:
        """STORAGE-CORRUPT: a missing parent is Corrupt, and named."""
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        driver.remove(A)
        with pytest.raises(Corrupt, match=A):
            driver.mount(B, (A,), PLAIN)
        with pytest.raises(Corrupt, match=C):
            driver.mount(C, (), PLAIN)

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

    # --- STORAGE-APPLY-ATOMIC

    def broken_archives(self) -> Iterator[bytes]:
        """Archives that end too early, or are nonsense in the middle."""
        whole = tree().file("big", "x" * 20000).data()
        yield whole[: len(whole) // 2]
        yield whole[:512] + b"nonsense" * 64 + whole[1024:]
        yield b"this is no tar" * 100
        yield whole[:-1024][: 512 * 3 + 100]

    def test_broken_archives_leave_nothing(self, driver: StorageDriver, home: str) -> None:
        """STORAGE-APPLY-ATOMIC: if `apply` raised, `exists` is False and nothing is left."""
        for data in self.broken_archives():
            with pytest.raises(Corrupt):
                driver.apply(A, (), io.BytesIO(data))
            assert not driver.exists(A)
            assert self.left(home) == []
        driver.apply(A, (), tree().stream())
        assert driver.exists(A)

    def test_errors_of_the_stream_come_through(self, driver: StorageDriver, home: str) -> None:
        """STORAGE-APPLY-ATOMIC: what the stream raises is what `apply` raises."""

        def fail() -> bytes:
            raise Corrupt("from the stream")

        with pytest.raises(Corrupt, match="from the stream"):
            driver.apply(A, (), Broken(tree().data()[:2048], fail))  # type: ignore[arg-type]
        assert not driver.exists(A) and self.left(home) == []

    def in_process(self, work: Callable[[], object]) -> int:
        """Run something in a forked process; its id."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work()
                code = 0
            finally:
                os._exit(code)
        return pid

    def test_killed_while_applying(self, driver: StorageDriver, home: str) -> None:
        """STORAGE-APPLY-ATOMIC: killed at any point: not there, and `collect` clears it."""
        data = tree().file("big", "x" * 200000).data()
        for size in (512, 3000, len(data) - 2000):
            ready, tell = os.pipe()

            def wait(tell: int = tell) -> bytes:
                os.write(tell, b"x")
                time.sleep(60)
                return b""

            pid = self.in_process(
                lambda size=size, wait=wait: driver.apply(  # type: ignore[misc]
                    A,
                    (),
                    Broken(data[:size], wait),  # type: ignore[arg-type]
                )
            )
            os.read(ready, 1)
            driver.collect()  # beside a living process: harms nothing
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(ready)
            os.close(tell)
            assert not driver.exists(A)
            assert A not in driver.layers()
            driver.collect()
            assert self.left(home) == []
        driver.apply(A, (), io.BytesIO(data))
        assert driver.exists(A)

    def test_collect_spares_what_is_under_way(
        self, driver: StorageDriver, view: Callable[..., str]
    ) -> None:
        """STORAGE-COLLECT: `collect` never touches complete layers, nor what a living process
        makes."""
        driver.apply(A, (), tree().stream())
        data = Archive().file("one", "1" * 5000).file("two", "2").data()
        go, reached = threading.Event(), threading.Event()

        def wait() -> bytes:
            reached.set()
            assert go.wait(30)
            return rest.read(512)

        rest = io.BytesIO(data[2048:])
        stream = Broken(data[:2048], wait)
        failures: list[BaseException] = []

        def apply() -> None:
            try:
                driver.apply(B, (A,), stream)  # type: ignore[arg-type]
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=apply)
        thread.start()
        assert reached.wait(30)
        driver.collect()
        go.set()
        thread.join()
        assert not failures
        driver.collect()
        assert sorted(driver.layers()) == [A, B]
        assert Path(view(B, A), "two").read_text() == "2"

    # --- STORAGE-APPLY-SAFE

    def hostile_archives(self, outside: str) -> Iterator[tuple[str, Archive]]:
        """Archives that try to reach the directory `outside`, each with a name."""
        up = "../" * 12
        yield "dots", Archive().file(f"{up}{outside[1:]}/made")
        yield "dots inside", Archive().directory("a").file(f"a/../{up}{outside[1:]}/made")
        yield "absolute", Archive().file(f"{outside}/made")
        yield "through a link", Archive().symlink("l", outside).file("l/made")
        yield "through dots", Archive().symlink("l", up + outside[1:]).file("l/made")
        yield (
            "link chain",
            (Archive().symlink("a", outside).symlink("b", "a").file("b/made").directory("b/d")),
        )
        yield "over a link", Archive().symlink("l", f"{outside}/victim").file("l", "changed")
        yield "directory over a link", Archive().symlink("l", outside).directory("l", 0o777)
        yield "hard link out", Archive().hard_link("l", f"{outside}/victim").file("l", "changed")
        yield "hard link dots", Archive().hard_link("l", f"{up}{outside[1:]}/victim")
        yield (
            "hard link through",
            (
                Archive()
                .symlink("s", outside)
                .hard_link("l", "s/victim")
                .add("l", content=b"changed")
            ),
        )
        yield (
            "hard link to link",
            (Archive().symlink("s", f"{outside}/victim").hard_link("l", "s").file("l", "changed")),
        )
        yield "whiteout out", Archive().file(f"{up}{outside[1:]}/.wh.victim")
        yield "whiteout through", Archive().symlink("l", outside).file("l/.wh.victim")
        yield "opaque through", Archive().symlink("l", outside).file("l/.wh..wh..opq")
        yield "whiteout of dots", Archive().directory("a").file("a/.wh...").file("a/.wh..")
        yield (
            "device through",
            (Archive().symlink("l", outside).add("l/made", tarfile.CHRTYPE, device=(1, 3))),
        )
        yield "the root itself", Archive().symlink(".", outside).file("made")
        yield (
            "mode through",
            Archive()
            .symlink("l", f"{outside}/victim")
            .hard_link("m", "l")
            .add("m", tarfile.SYMTYPE, link=f"{outside}/victim", mode=0o777, owner=(9, 9)),
        )

    def test_hostile_archives_reach_nothing(
        self, driver: StorageDriver, tmp_path: Path, home: str
    ) -> None:
        """STORAGE-APPLY-SAFE: nothing in an archive touches anything outside the layer."""
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "victim").write_text("untouched")
        before = snapshot(str(outside))
        driver.apply(A, (), tree().symlink("out", str(outside)).stream())
        for name, archive in self.hostile_archives(str(outside)):
            try:
                driver.apply(B, (A,), archive.stream())
            except (UnsafeArchive, Corrupt):
                assert not driver.exists(B), f"STORAGE-APPLY-ATOMIC: {name}"
            assert snapshot(str(outside)) == before, f"STORAGE-APPLY-SAFE: {name}"
            driver.remove(B)
        over = Archive().file("out/made").file("out/.wh.victim")
        driver.apply(B, (A,), over.stream())
        assert snapshot(str(outside)) == before, "STORAGE-APPLY-SAFE: a parent's link"

    def test_no_overlay_attributes_from_archives(
        self, driver: StorageDriver, view: Callable[..., str]
    ) -> None:
        """STORAGE-APPLY-SAFE: an archive cannot forge what drivers keep in attributes."""
        forged = {"trusted.overlay.redirect": "/etc", "trusted.overlay.opaque": "y"}
        driver.apply(A, (), tree().stream())
        archive = Archive().add("opt", tarfile.DIRTYPE, mode=0o755, xattrs=forged)
        driver.apply(B, (A,), archive.stream())
        assert sorted(os.listdir(view(B, A) + "/opt")) == ["one", "two"]

    # --- STORAGE-RENAME

    @pytest.mark.optional
    def test_renamed_layer(self, driver: StorageDriver, view: Callable[..., str]) -> None:
        """STORAGE-RENAME: a layer that another process has made."""
        if not driver.renames:
            pytest.skip(f"{driver.name} does not rename layers")
        driver.apply(A, (), tree().stream())
        archive = Archive().file("added", "x")
        pid = self.in_process(lambda: driver.apply(C, (A,), archive.stream()))
        assert os.waitpid(pid, 0)[1] == 0
        driver.rename(C, B)
        assert driver.exists(B) and not driver.exists(C) and set(driver.layers()) == {A, B}
        assert {"added", "opt"} <= set(os.listdir(view(B, A)))

    # --- STORAGE-VIEW

    @pytest.mark.optional
    def test_view_with_other_owners(self, driver: StorageDriver, tmp_path: Path) -> None:
        """STORAGE-VIEW: of one layer and of two, beside a mount of the same layer."""
        if not driver.views:
            pytest.skip(f"{driver.name} has one place for each layer")
        driver.apply(A, (), tree().stream())
        driver.apply(B, (A,), Archive().add("added", content=b"x", owner=(5, 6)).stream())
        plain = driver.mount(B, (A,), MountOptions(read_only=True))
        for number, (layer, *parents) in enumerate(((A,), (B, A))):
            target = tmp_path / f"view{number}"
            target.mkdir()
            driver.view(layer, parents, str(target), MAPPED)
            try:
                found = os.stat(target / "etc/passwd")
                assert (found.st_uid, found.st_gid) == (100_000, 200_000), "STORAGE-VIEW"
                if parents:
                    found = os.stat(target / "added")
                    assert (found.st_uid, found.st_gid) == (100_005, 200_006)
                with pytest.raises(OSError):
                    (target / "etc/passwd").write_text("changed")
            finally:
                unmount(str(target), MNT_DETACH)
        assert os.stat(f"{plain}/etc/passwd").st_uid == 0

    # --- STORAGE-LINK

    @pytest.mark.optional
    def test_linked_layer(
        self, make: Make, driver: StorageDriver, view: Callable[..., str], tmp_path: Path
    ) -> None:
        """STORAGE-LINK: one shows its files, is removed without them, and may be replaced."""
        if not driver.links:
            pytest.skip(f"{driver.name} has all layers in its own home")
        other = make(str(tmp_path / "other"))
        other.apply(A, (), tree().stream())
        before = snapshot(other.home)
        for _ in range(2):
            driver.link(A, f"{other.home}/{A}")
            assert driver.exists(A) and driver.usage(A) == other.usage(A)
            driver.create(B, (A,))
            root = driver.mount(B, (A,), PLAIN)
            Path(root, "etc/passwd").write_text("changed")
            os.unlink(f"{root}/opt/one")
            driver.remove(B)
            driver.create(B, (A,))
            root = driver.mount(B, (A,), MAPPED)
            found = os.stat(f"{root}/etc/passwd")
            assert (found.st_uid, found.st_gid) == (100_000, 200_000), "STORAGE-LINK: owners"
            driver.remove(B)
            driver.remove(A)
            assert snapshot(other.home) == before, "STORAGE-LINK: the other is changed"
        driver.link(A, f"{other.home}/{A}")
        other.remove(A)
        assert not driver.exists(A)
        driver.apply(A, (), Archive().file("mine", "x").stream())
        assert os.listdir(view(A)) == ["mine"]

    # --- STORAGE-APPLY-PARALLEL

    @pytest.mark.optional
    def test_parallel_in_threads(self, driver: StorageDriver, view: Callable[..., str]) -> None:
        """STORAGE-APPLY-PARALLEL, in threads: the topmost layers first."""
        layers, archives = self.stack(6)
        if not driver.independent_layers:
            pytest.skip(f"{driver.name} unpacks a layer onto its parent")
        threads = [
            threading.Thread(
                target=driver.apply, args=(layers[n], layers[n + 1 :], io.BytesIO(archives[n]))
            )
            for n in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.check_stack(view(*layers))

    @pytest.mark.optional
    def test_parallel_in_processes(self, driver: StorageDriver, view: Callable[..., str]) -> None:
        """STORAGE-APPLY-PARALLEL, in processes."""
        layers, archives = self.stack(6)
        if not driver.independent_layers:
            pytest.skip(f"{driver.name} unpacks a layer onto its parent")
        running = [
            self.in_process(
                lambda n=n: driver.apply(  # type: ignore[misc]
                    layers[n], layers[n + 1 :], io.BytesIO(archives[n])
                )
            )
            for n in range(6)
        ]
        for pid in running:
            assert os.waitpid(pid, 0)[1] == 0
        self.check_stack(view(*layers))

    def stack(self, count: int) -> tuple[Sequence[str], list[bytes]]:
        """Layers, topmost first, each replacing a file and hiding one of the layer below."""
        layers = [f"{number:064x}" for number in range(count, 0, -1)]
        archives = []
        for number in range(count):
            archive = Archive().file("top", str(number)).file(f"only{number}", "x" * 40000)
            archive.file(f"kept{number}")
            if number:
                archive.file(f".wh.only{number - 1}")
            archives.append(archive.data())
        return tuple(layers), archives[::-1]

    def check_stack(self, root: str) -> None:
        """What shows of `stack(6)`."""
        assert sorted(os.listdir(root)) == [*(f"kept{n}" for n in range(6)), "only5", "top"]
        assert Path(root, "top").read_text() == "5"

    # --- STORAGE-MOUNT-IDEMPOTENT, STORAGE-REMOVE-IDEMPOTENT

    def test_mounting_again(self, driver: StorageDriver) -> None:
        """STORAGE-MOUNT-IDEMPOTENT; what was written is there after a remount."""
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        root = driver.mount(B, (A,), PLAIN)
        assert driver.mount(B, (A,), PLAIN) == root
        Path(root, "new").write_text("x")
        driver.unmount(B)
        driver.unmount(B)
        driver.unmount("unknown")
        assert driver.mount(B, (A,), PLAIN) == root
        assert Path(root, "new").read_text() == "x"

    def test_unmounting_what_is_busy(self, driver: StorageDriver) -> None:
        """STORAGE-REMOVE-WINS: `unmount` and `remove` win over open files."""
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        root = driver.mount(B, (A,), PLAIN)
        with Path(root, "etc/passwd").open() as file:
            driver.unmount(B)
            driver.remove(B)
            assert not driver.exists(B)
            file.read()

    def test_removing(self, driver: StorageDriver, home: str) -> None:
        """STORAGE-REMOVE-IDEMPOTENT; odd modes, mounted or not."""
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        root = Path(driver.mount(B, (A,), PLAIN))
        (root / "locked").mkdir(0)
        deep = root / "deep"
        for _ in range(50):
            deep = deep / "d"
        deep.mkdir(parents=True)
        (root / "etc").chmod(0)
        driver.remove(B)
        driver.remove(B)
        driver.remove("f" * 64)
        assert not driver.exists(B)
        assert driver.exists(A)
        driver.remove(A)
        assert list(driver.layers()) == []
        assert self.left(home) == []

    # --- id maps

    def test_id_maps(self, driver: StorageDriver) -> None:
        """STORAGE-ID-MAPS: a mapped mount shows the host's ids; diffs carry those of the
        container."""
        archive = tree().add("mine", content=b"x", mode=0o4755, owner=(1000, 1000))
        driver.apply(A, (), archive.stream())
        driver.create(B, (A,))
        root = Path(driver.mount(B, (A,), MAPPED))
        assert owner(root / "etc") == owner(root / "etc/passwd") == (100000, 200000)
        assert owner(root / "mine") == (101000, 201000)
        assert (root / "mine").stat().st_mode & 0o7777 == 0o4755
        (root / "made").write_text("x")
        os.chown(root / "made", 100005, 200006)
        (root / "opt/one").unlink()
        driver.unmount(B)
        root = Path(driver.mount(B, (A,), MAPPED))
        assert owner(root / "made") == (100005, 200006)
        out = io.BytesIO()
        driver.diff(B, (A,), out)
        found = {name: (m.uid, m.gid) for name, m in members(out).items()}
        assert found.get("made") == (5, 6)
        assert "opt/.wh.one" in found
        assert "etc/passwd" not in found and "mine" not in found
        kinds = [f"{change.kind} {change.path}" for change in driver.changes(B, (A,))]
        assert kinds == ["A /made", "C /opt", "D /opt/one"]

    def test_a_mapped_container_leaves_its_parents_alone(self, driver: StorageDriver) -> None:
        """STORAGE-ID-MAPS: two maps over one image do not see each other."""
        driver.apply(A, (), tree().stream())
        for layer in (B, C):
            driver.create(layer, (A,))
        mapped = Path(driver.mount(B, (A,), MAPPED))
        plain = Path(driver.mount(C, (A,), PLAIN))
        assert owner(mapped / "etc/passwd") == (100000, 200000)
        assert owner(plain / "etc/passwd") == (0, 0)

    def test_impossible_maps(self, driver: StorageDriver) -> None:
        """STORAGE-ID-MAPS: a map that the kernel refuses is a typed error."""
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        wrong = MountOptions(uid_map=(IdMap(0, 1000, 10), IdMap(5, 5000, 10)))
        with pytest.raises(RundletError):
            driver.mount(B, (A,), wrong)

    def test_listing(self, driver: StorageDriver) -> None:
        """STORAGE-LAYERS: `layers` gives complete layers, image's and containers'."""
        assert list(driver.layers()) == []
        driver.apply(A, (), tree().stream())
        driver.create(B, (A,))
        assert sorted(driver.layers()) == [A, B]
        assert driver.exists(A) and not driver.exists(C)


def members(archive: io.BytesIO) -> dict[str, tarfile.TarInfo]:
    """What is in a tar, by name, in its order."""
    with tarfile.open(fileobj=io.BytesIO(archive.getvalue())) as tar:
        return {member.name: member for member in tar}


def owner(path: Path) -> tuple[int, int]:
    """Who a path belongs to."""
    info = path.lstat()
    return info.st_uid, info.st_gid
