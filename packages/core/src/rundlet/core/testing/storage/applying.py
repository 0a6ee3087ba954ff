"""Unpacking archives: whole or not at all, never outside of the layer, several at once."""

from __future__ import annotations

import io
import os
import signal
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ...contracts.storage import StorageDriver
from ...errors import Corrupt, UnsafeArchive
from ...streams import RawStream
from ..archives import Archive, snapshot
from .base import A, B, StorageSuite, tree


class Broken(RawStream):
    """A stream that gives some bytes, then does `then`."""

    def __init__(self, data: bytes, then: Callable[[], Any]) -> None:
        self._data = io.BytesIO(data)
        self._then = then

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, 512) if size >= 0 else 512) or self._then() or b""


class Applying(StorageSuite):
    """Archives that are broken, hostile, or unpacked side by side."""

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
            driver.apply(A, (), Broken(tree().data()[:2048], fail))
        assert not driver.exists(A) and self.left(home) == []

    def test_killed_while_applying(self, driver: StorageDriver, home: str) -> None:
        """STORAGE-APPLY-ATOMIC: killed at any point: not there, and `collect` clears it."""
        data = tree().file("big", "x" * 200000).data()
        for size in (512, 3000, len(data) - 2000):
            ready, tell = os.pipe()

            def wait(tell: int = tell) -> bytes:
                os.write(tell, b"x")
                time.sleep(60)
                return b""

            pid = self.in_process(partial(driver.apply, A, (), Broken(data[:size], wait)))
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
                driver.apply(B, (A,), stream)
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
                partial(driver.apply, layers[n], layers[n + 1 :], io.BytesIO(archives[n]))
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
