"""Storage drivers that are wrong in one thing each. `FAILS`: class to the test that must see it."""

from __future__ import annotations

import errno
import io
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence

import pytest

from rundlet.core.contracts.probe import Probe
from rundlet.core.contracts.storage import Change, IdMap, LayerUsage, MountOptions, StorageDriver
from rundlet.core.errors import Corrupt
from rundlet.core.storage.vfs import VfsDriver
from rundlet.core.streams import Readable, Writable
from rundlet.core.testing.storage import StorageDriverContract


class Base(StorageDriverContract):
    Driver: type[StorageDriver] = VfsDriver

    @pytest.fixture
    def make(self) -> Callable[[str], StorageDriver]:
        return self.Driver


def without_whiteouts(archive: Readable) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=archive) as source, tarfile.open(fileobj=out, mode="w") as target:
        for member in source:
            if not os.path.basename(member.name).startswith(".wh."):
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
    out.seek(0)
    return out


class TestProbe(Base):
    class Driver(VfsDriver):
        def probe(self) -> Probe:
            os.makedirs(self.home)
            return Probe(True)


class TestStack(Base):
    class Driver(VfsDriver):
        def create(self, layer: str, parents: Sequence[str]) -> None:
            super().create(layer, ())


class TestWhiteout(Base):
    class Driver(VfsDriver):
        def apply(self, layer: str, parents: Sequence[str], archive: Readable) -> LayerUsage:
            return super().apply(layer, parents, without_whiteouts(archive))


class TestAttributes(Base):
    class Driver(VfsDriver):
        def apply(self, layer: str, parents: Sequence[str], archive: Readable) -> LayerUsage:
            usage = super().apply(layer, parents, archive)
            for directory, _, files in os.walk(f"{self.home}/{layer}/tree"):
                for name in files:
                    if not os.path.islink(f"{directory}/{name}"):
                        os.chmod(f"{directory}/{name}", 0o644)
            return usage


class TestCorrupt(Base):
    class Driver(VfsDriver):
        def mount(self, layer: str, parents: Sequence[str], options: MountOptions) -> str:
            return super().mount(layer, (), options)


class TestAtomic(Base):
    class Driver(VfsDriver):
        def apply(self, layer: str, parents: Sequence[str], archive: Readable) -> LayerUsage:
            try:
                return super().apply(layer, parents, archive)
            except Corrupt:
                os.makedirs(f"{self.home}/{layer}/tree")
                raise


class TestSafe(Base):
    class Driver(VfsDriver):
        def apply(self, layer: str, parents: Sequence[str], archive: Readable) -> LayerUsage:
            self.create(layer, parents)
            with tarfile.open(fileobj=archive) as source:
                try:
                    source.extractall(f"{self.home}/{layer}/tree", filter="fully_trusted")
                except (OSError, KeyError, tarfile.TarError):
                    pass
            return self.usage(layer)


class TestParallel(Base):
    class Driver(VfsDriver):
        independent_layers = True


class TestMounting(Base):
    class Driver(VfsDriver):
        def unmount(self, layer: str) -> None:
            if not self.exists(layer):
                raise KeyError(layer)


class TestRoundtrip(Base):
    class Driver(VfsDriver):
        def diff(self, layer: str, parents: Sequence[str], out: Writable) -> None:
            out.write(bytes(1024))


class TestRemoving(Base):
    class Driver(VfsDriver):
        def remove(self, layer: str) -> None:
            if not self.exists(layer):
                raise KeyError(layer)
            super().remove(layer)


class TestBusy(Base):
    class Driver(VfsDriver):
        def unmount(self, layer: str) -> None:
            raise OSError(errno.EBUSY, "busy")


class TestCollect(Base):
    class Driver(VfsDriver):
        def collect(self) -> None:
            for layer in list(self.layers()):
                self.remove(layer)


class TestRename(Base):
    class Driver(VfsDriver):
        renames = True

        def rename(self, layer: str, name: str) -> None:
            pass


class TestView(Base):
    class Driver(VfsDriver):
        def view(
            self, layer: str, parents: Sequence[str], target: str, options: MountOptions
        ) -> None:
            wrong = (IdMap(0, 1, 65536),)
            super().view(layer, parents, target, MountOptions(uid_map=wrong))


class TestLink(Base):
    class Driver(VfsDriver):
        links = True

        def link(self, layer: str, directory: str, record: str = "") -> None:
            os.renames(directory, f"{self.home}/{layer}")


class TestChanges(Base):
    class Driver(VfsDriver):
        def changes(self, layer: str, parents: Sequence[str]) -> Iterator[Change]:
            return reversed(list(super().changes(layer, parents)))


class TestUsage(Base):
    class Driver(VfsDriver):
        def usage(self, layer: str) -> LayerUsage:
            return LayerUsage(0, 0)


class TestLayers(Base):
    class Driver(VfsDriver):
        def layers(self) -> Iterator[str]:
            return iter(())


class TestIdMaps(Base):
    class Driver(VfsDriver):
        def mount(self, layer: str, parents: Sequence[str], options: MountOptions) -> str:
            return super().mount(layer, parents, MountOptions())


FAILS: dict[str, tuple[type, str]] = {
    "STORAGE-PROBE": (TestProbe, "test_probe_leaves_nothing"),
    "STORAGE-STACK": (TestStack, "test_layers_show_through"),
    "STORAGE-WHITEOUT": (TestWhiteout, "test_whiteouts_hide"),
    "STORAGE-ATTRIBUTES": (TestAttributes, "test_attributes_are_kept"),
    "STORAGE-CORRUPT": (TestCorrupt, "test_missing_parents_are_corrupt"),
    "STORAGE-APPLY-ATOMIC": (TestAtomic, "test_broken_archives_leave_nothing"),
    "STORAGE-APPLY-SAFE": (TestSafe, "test_hostile_archives_reach_nothing"),
    "STORAGE-APPLY-PARALLEL (optional)": (TestParallel, "test_parallel_in_threads"),
    "STORAGE-MOUNT-IDEMPOTENT": (TestMounting, "test_mounting_again"),
    "STORAGE-DIFF-ROUNDTRIP": (TestRoundtrip, "test_diff_roundtrip_of_a_containers_layer"),
    "STORAGE-REMOVE-IDEMPOTENT": (TestRemoving, "test_removing"),
    "STORAGE-REMOVE-WINS": (TestBusy, "test_unmounting_what_is_busy"),
    "STORAGE-COLLECT": (TestCollect, "test_collect_spares_what_is_under_way"),
    "STORAGE-RENAME (optional)": (TestRename, "test_renamed_layer"),
    "STORAGE-VIEW (optional)": (TestView, "test_view_with_other_owners"),
    "STORAGE-LINK (optional)": (TestLink, "test_linked_layer"),
    "STORAGE-CHANGES": (TestChanges, "test_changes"),
    "STORAGE-USAGE": (TestUsage, "test_usage"),
    "STORAGE-LAYERS": (TestLayers, "test_listing"),
    "STORAGE-ID-MAPS": (TestIdMaps, "test_id_maps"),
}
