"""Layers and their mounts: what shows, ids, other names, removal."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ...contracts.storage import IdMap, MountOptions, StorageDriver
from ...errors import Corrupt, RundletError
from ...linux.syscalls import MNT_DETACH, unmount
from ..archives import Archive, snapshot
from .base import PLAIN, A, B, C, Make, StorageSuite, members, owner, tree

MAPPED = MountOptions(uid_map=(IdMap(0, 100000, 65536),), gid_map=(IdMap(0, 200000, 65536),))


class Layers(StorageSuite):
    """What shows of layers that are mounted, and what becomes of them."""

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

    def test_unmounting_what_is_busy(self, driver: StorageDriver, home: str) -> None:
        """STORAGE-REMOVE-WINS: `unmount`, `remove` and `discard` win over open files."""
        for remove in (driver.remove, driver.discard):
            driver.apply(A, (), tree().stream())
            driver.create(B, (A,))
            root = driver.mount(B, (A,), PLAIN)
            with Path(root, "etc/passwd").open() as file:
                driver.unmount(B)
                remove(B)
                assert not driver.exists(B)
                file.read()
            remove(B)
            remove(A)
            driver.collect()
            assert self.left(home) == []

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
