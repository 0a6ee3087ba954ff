"""What the parts of the suite share: the driver under test, layers mounted over others, a tree."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ...contracts.storage import MountOptions, StorageDriver
from ..archives import Archive

A, B, C, D = (letter * 64 for letter in "abcd")
PLAIN = MountOptions()

Make = Callable[[str], StorageDriver]


def tree(*, before: str = "") -> Archive:
    """A small base layer."""
    archive = Archive().directory("etc").file("etc/passwd", "root").file("etc/group", "root")
    archive.directory("var", 0o755).directory("var/lib").file("var/lib/state", "1")
    archive.directory("opt").file("opt/one", "1").file("opt/two", "2")
    return archive.symlink("link", "etc/passwd")


def members(archive: io.BytesIO) -> dict[str, tarfile.TarInfo]:
    """What is in a tar, by name, in its order."""
    with tarfile.open(fileobj=io.BytesIO(archive.getvalue())) as tar:
        return {member.name: member for member in tar}


def owner(path: Path) -> tuple[int, int]:
    """Who a path belongs to."""
    info = path.lstat()
    return info.st_uid, info.st_gid


class StorageSuite:
    """Fixtures of the driver under test; `make` is the author's."""

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
