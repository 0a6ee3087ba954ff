"""rundlet-build over a store with busybox in it, and Debian's buildah beside it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from rundlet.core import Engine

SCRIPTS = Path(sys.executable).parent


class Result(subprocess.CompletedProcess[str]):
    """What a program did."""


class Builder:
    """The installed `rundlet-build` over a store that holds localhost/busybox."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "root"
        self.runroot = directory / "run"
        self.command = [str(SCRIPTS / "rundlet-build"), *self.places]

    @property
    def places(self) -> list[str]:
        return ["--root", str(self.root), "--runroot", str(self.runroot)]

    def engine(self) -> Engine:
        return Engine(root=str(self.root), runroot=str(self.runroot))

    def __call__(
        self,
        *words: str,
        check: bool = True,
        env: dict[str, str] | None = None,
        stdin: bytes = b"",
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb; a failure shows its own words."""
        done = subprocess.run(
            [*self.command, *words],
            input=stdin,
            capture_output=True,
            check=False,
            env={**os.environ, **(env or {})},
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        if check:
            assert done.returncode == 0, f"rundlet-build {' '.join(words)}: {err}\n{out}"
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def build(self, context: Path, *words: str, **more: Any) -> str:
        """Build a context; the image's id."""
        return self("build", *words, str(context), **more).stdout.split()[-1]

    def config(self, name: str) -> dict[str, Any]:
        """The image config document."""
        with self.engine() as engine:
            return dict(engine.images.config(engine.images.get(name)).document)

    def files(self, name: str) -> dict[str, str]:
        """Path to kind, mode, owner and content of all files of an image."""
        with self.engine() as engine:
            root = engine.images.mount(name)
            try:
                return tree(Path(root))
            finally:
                engine.images.unmount(name, force=True)

    def left(self) -> list[str]:
        """What should not be there when nothing is being done: mounts, containers, leases."""
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        found = [line for line in mounts if str(self.root) in line or str(self.runroot) in line]
        with self.engine() as engine:
            engine.layers.collect()
            found += [str(row) for row in engine.database.rows("SELECT id FROM containers")]
            found += [str(row) for row in engine.database.rows("SELECT * FROM leases")]
        temporary = self.root / "tmp"
        return found + (os.listdir(temporary) if temporary.exists() else [])


@pytest.fixture
def builder(tmp_path: Path, busybox_archive: Path) -> Iterator[Builder]:
    tool = Builder(tmp_path)
    with tool.engine() as engine:
        image = engine.images.pull(f"oci-archive:{busybox_archive}")
        engine.images.tag(image.id, "localhost/busybox:latest")
    yield tool
    assert tool.left() == []


class Buildah:
    """Debian's buildah over a store of its own."""

    def __init__(self, directory: Path) -> None:
        self.command = [
            *("buildah", "--root", str(directory / "root"), "--runroot", str(directory / "run")),
            *("--storage-driver", "vfs"),
        ]

    def __call__(self, *words: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            [*self.command, *words], input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0, f"buildah {' '.join(words)}: {done.stderr.decode()}"
        return done.stdout.decode()

    def build(self, context: Path, *words: str) -> str:
        return self("build", "--isolation", "chroot", *words, str(context)).split()[-1]

    def config(self, name: str) -> dict[str, Any]:
        found = json.loads(self("inspect", "--type", "image", name))
        return dict(json.loads(found["Config"]))

    def files(self, name: str) -> dict[str, str]:
        container = self("from", "--pull-never", name).strip()
        try:
            return tree(Path(self("mount", container).strip()))
        finally:
            self("rm", container)


@pytest.fixture(scope="session")
def buildah(busybox_archive: Path) -> Iterator[Buildah]:
    needs("buildah")
    # Not in pytest's directory: run roots must be short.
    with tempfile.TemporaryDirectory(prefix="buildah-") as directory:
        tool = Buildah(Path(directory))
        image = tool("pull", "-q", f"oci-archive:{busybox_archive}").split()[-1]
        tool("tag", image, "localhost/busybox:latest")
        yield tool
        tool("rm", "-a")
        tool("rmi", "-a", "-f")


def tree(root: Path) -> dict[str, str]:
    """Path to kind, mode, owner and content of all files below a directory."""
    found = {}
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            path = Path(directory, name)
            status = path.lstat()
            words = [stat.filemode(status.st_mode), f"{status.st_uid}:{status.st_gid}"]
            if stat.S_ISLNK(status.st_mode):
                words.append(os.readlink(path))
            elif stat.S_ISREG(status.st_mode):
                words.append(hashlib.sha256(path.read_bytes()).hexdigest()[:12])
            found[str(path.relative_to(root))] = " ".join(words)
    return found


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """An empty directory for a build context."""
    path = tmp_path / "context"
    path.mkdir()
    return path
