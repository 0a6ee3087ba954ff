"""Volumes: names, options, copy-up, use and removal."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rundlet.core import Engine
from rundlet.core.errors import (
    AlreadyExists,
    AmbiguousName,
    InUse,
    InvalidArgument,
    NoSuchVolume,
    NotSupported,
    WrongState,
)
from rundlet.core.settings.snapshot import Settings
from rundlet.core.system.check import check, repair


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(
        Settings(graph_root=str(tmp_path / "graph"), run_root=str(tmp_path / "run"))
    ) as engine:
        yield engine
        for volume in engine.volumes.list():
            engine.volumes.unmount(volume.name)


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """What an image has at /srv/data, and a link to it at /data."""
    root = tmp_path / "rootfs"
    data = root / "srv/data"
    data.mkdir(parents=True)
    (root / "data").symlink_to("/srv/data")
    (data / "file").write_text("content")
    os.link(data / "file", data / "again")
    (data / "link").symlink_to("file")
    (data / "sub").mkdir(0o2750)
    (data / "sub").chmod(0o2750)
    os.setxattr(data / "file", "user.note", b"kept")
    os.chown(data / "file", 12, 34)
    (data / "file").chmod(0o4755)
    os.chown(data, 7, 8)
    data.chmod(0o1770)
    os.utime(data, (1, 1))
    return root


def use(engine: Engine, volume: str, container: str = "c" * 64) -> None:
    engine.database.execute(
        "INSERT INTO containers (id, name, runtime, status, created, request)"
        " VALUES (?, ?, '', 'created', 0, '{}')",
        container,
        container[:8],
    )
    engine.database.execute(
        "INSERT INTO container_volumes VALUES (?, ?, '/data')", container, volume
    )


def test_create_get_list_inspect(engine: Engine) -> None:
    made = engine.volumes.create("one", labels={"a": "b"})
    assert engine.volumes.get("one") == made
    assert engine.volumes.get("on") == made
    assert [volume.name for volume in engine.volumes.list()] == ["one"]
    found = engine.volumes.inspect(made)
    assert json.loads(json.dumps(found)) == {
        "Name": "one",
        "Driver": "local",
        "Mountpoint": engine.volumes.path("one"),
        "CreatedAt": found["CreatedAt"],
        "Labels": {"a": "b"},
        "Scope": "local",
        "Options": {},
        "MountCount": 0,
        "NeedsCopyUp": True,
        "NeedsChown": True,
    }
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    assert re.fullmatch(pattern, found["CreatedAt"])
    assert Path(engine.volumes.path("one")).stat().st_mode & 0o777 == 0o755


def test_anonymous_ones_have_random_names(engine: Engine) -> None:
    volume = engine.volumes.create()
    assert re.fullmatch("[0-9a-f]{64}", volume.name)
    assert engine.volumes.inspect(volume)["Anonymous"] is True


def test_ensure_makes_once(engine: Engine) -> None:
    assert engine.volumes.ensure("one") is True
    assert engine.volumes.ensure("one") is False


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "-x", "a b", "ä"])
def test_bad_names(engine: Engine, name: str) -> None:
    with pytest.raises(InvalidArgument, match="names must match"):
        engine.volumes.create(name)


def test_errors(engine: Engine) -> None:
    engine.volumes.create("one")
    engine.volumes.create("other")
    with pytest.raises(AlreadyExists, match="volume with name one already exists"):
        engine.volumes.create("one")
    with pytest.raises(NoSuchVolume, match='no volume with name "nope" found'):
        engine.volumes.get("nope")
    with pytest.raises(AmbiguousName):
        engine.volumes.get("o")
    with pytest.raises(InvalidArgument, match="invalid mount option foo"):
        engine.volumes.create("x", options={"foo": "bar"})
    for words in ("size=1m", "inodes=9"):
        with pytest.raises(NotSupported, match="size"):
            engine.volumes.create("x", options={"o": words})
    with pytest.raises(InvalidArgument, match="timeout"):
        engine.volumes.create("x", options={"o": "timeout=10"})
    with pytest.raises(InvalidArgument, match="/no/such: no such file or directory"):
        engine.volumes.create("x", options={"type": "bind", "device": "/no/such"})
    with pytest.raises(NotSupported, match="driver"):
        engine.volumes.create("x", driver="nfs")
    assert not engine.volumes.exists("x")


def test_removal_and_use(engine: Engine) -> None:
    engine.volumes.create("used")
    engine.volumes.create("free")
    (Path(engine.volumes.path("free")) / "file").write_text("x")
    use(engine, "used")
    assert engine.volumes.users("used") == ("c" * 64,)
    with pytest.raises(InUse, match=r"volume used is being used by the following container\(s\)"):
        engine.volumes.remove("used")
    assert engine.volumes.prune() == ("free",)
    assert not Path(engine.volumes.path("free")).parent.exists()
    assert os.listdir(engine.blobs.temporary) == []
    assert engine.volumes.exists("used")
    engine.database.execute("DELETE FROM containers")
    assert engine.volumes.remove("us") == "used"
    with pytest.raises(NoSuchVolume):
        engine.volumes.remove("used")


def test_a_file_system_of_its_own(engine: Engine) -> None:
    engine.volumes.create(
        "memory", options={"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=5,nodev"}
    )
    path = engine.volumes.mount("memory")
    assert os.path.ismount(path)
    assert engine.volumes.mount("memory") == path
    assert engine.volumes.inspect(engine.volumes.get("memory"))["MountCount"] == 1
    engine.volumes.remove("memory")
    assert not os.path.exists(path)


def test_a_directory_of_the_host(engine: Engine, tmp_path: Path) -> None:
    """It is bound, and stays as it is when the volume goes; `rsize`, of nfs, is no quota."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/file").write_text("x")
    for kind in ({"type": "bind"}, {"o": "bind"}, {"type": "none", "o": "rbind"}):
        engine.volumes.create("one", options={"device": f"{tmp_path}/shared", **kind})
        path = engine.volumes.mount("one")
        assert os.listdir(path) == ["file"] and engine.volumes.mount("one") == path
        assert engine.volumes.inspect(engine.volumes.get("one"))["MountCount"] == 1
        with pytest.raises(WrongState):
            engine.volumes.rename("one", "two")
        engine.volumes.import_("one", archive_of("more"))
        engine.volumes.remove("one")
        assert sorted(os.listdir(tmp_path / "shared")) == ["file", "more"]
        (tmp_path / "shared/more").unlink()
    options = {"type": "nfs", "device": ":/a", "o": "addr=127.0.0.1,rsize=8192"}
    assert engine.volumes.create("remote", options=options).options == options


def test_owner_options(engine: Engine) -> None:
    engine.volumes.create("owned", options={"o": "uid=5,gid=6,noquota"})  # nothing to mount
    info = Path(engine.volumes.mount("owned")).stat()
    assert (info.st_uid, info.st_gid) == (5, 6)


def archive_of(name: str) -> io.BytesIO:
    """A tar with an empty file of that name."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    made.seek(0)
    return made


def nobody() -> tuple[int, int]:
    raise AssertionError("the owner is not asked for")


@pytest.mark.parametrize("destination", ["/srv/data", "/data", "/srv//data/."])
def test_copy_up(engine: Engine, rootfs: Path, destination: str) -> None:
    engine.volumes.create("one")
    engine.volumes.copy_up("one", str(rootfs), destination, nobody)
    data = Path(engine.volumes.path("one"))
    assert sorted(os.listdir(data)) == ["again", "file", "link", "sub"]
    top, file = data.stat(), (data / "file").stat()
    assert (top.st_uid, top.st_gid, top.st_mode & 0o7777, top.st_mtime) == (7, 8, 0o1770, 1)
    assert (file.st_uid, file.st_gid, file.st_mode & 0o7777) == (12, 34, 0o4755)
    assert (data / "sub").stat().st_mode & 0o7777 == 0o2750
    assert os.getxattr(data / "file", "user.note") == b"kept"
    assert (data / "again").stat().st_ino == file.st_ino
    assert os.listdir(data.parent) == ["_data"]
    (data / "file").unlink()
    engine.volumes.copy_up("one", str(rootfs), destination, nobody)
    assert not (data / "file").exists()


def test_copy_up_happens_only_into_empty_volumes(engine: Engine, rootfs: Path) -> None:
    engine.volumes.create("one")
    data = Path(engine.volumes.path("one"))
    (data / "mine").write_text("x")
    engine.volumes.copy_up("one", str(rootfs), "/srv/data", nobody)
    assert os.listdir(data) == ["mine"]
    engine.volumes.create("plain", options={"nocopy": ""})
    engine.volumes.copy_up("plain", str(rootfs), "/srv/data", nobody)
    engine.volumes.create("mounted")
    engine.volumes.copy_up("mounted", str(rootfs), "/srv/data", nobody, content=False)
    for name in ("plain", "mounted"):
        assert os.listdir(engine.volumes.path(name)) == []
        assert Path(engine.volumes.path(name)).stat().st_mode & 0o7777 == 0o1770


def test_copy_up_without_such_a_directory(engine: Engine, rootfs: Path) -> None:
    engine.volumes.create("one")
    engine.volumes.copy_up("one", str(rootfs), "/no/such", lambda: (11, 12))
    info = Path(engine.volumes.path("one")).stat()
    assert (info.st_uid, info.st_gid) == (11, 12)
    engine.volumes.copy_up("one", str(rootfs), "/no/such", nobody)
    engine.volumes.copy_up("one", str(rootfs), "/srv/data", nobody)
    assert (Path(engine.volumes.path("one")) / "file").exists(), "it was still empty"


def test_a_directory_without_content(engine: Engine, rootfs: Path) -> None:
    """Its owner and mode are taken once; a volume that is empty then is filled by the next."""
    empty = rootfs / "empty"
    empty.mkdir()
    os.chown(empty, 5, 6)
    engine.volumes.create("one")
    data = Path(engine.volumes.path("one"))
    engine.volumes.copy_up("one", str(rootfs), "/empty", nobody)
    os.chown(empty, 7, 7)
    engine.volumes.copy_up("one", str(rootfs), "/empty", nobody)
    assert (data.stat().st_uid, data.stat().st_gid) == (5, 6)
    assert engine.volumes.inspect(engine.volumes.get("one"))["NeedsCopyUp"] is True
    engine.volumes.copy_up("one", str(rootfs), "/srv/data", nobody)
    assert (data / "file").exists()
    assert engine.volumes.inspect(engine.volumes.get("one"))["NeedsCopyUp"] is False


def test_copy_up_does_not_leave_the_root(engine: Engine, rootfs: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("x")
    (rootfs / "escape").symlink_to(outside)
    (rootfs / "dots").symlink_to("../outside")
    for name in ("escape", "dots"):
        engine.volumes.create(name)
        engine.volumes.copy_up(name, str(rootfs), f"/{name}", lambda: (0, 0))
        assert os.listdir(engine.volumes.path(name)) == []


@pytest.mark.parametrize("stage", ["copying", "moving"])
def test_a_killed_copy_up_goes_on(engine: Engine, rootfs: Path, stage: str) -> None:
    engine.volumes.create("one")
    data = Path(engine.volumes.path("one"))
    base = data.parent
    if stage == "copying":
        (base / "_copying/half").mkdir(parents=True)
    else:
        (base / "_copied").mkdir()
        (base / "_copied/rest").write_text("x")
        (data / "first").write_text("x")
    engine.volumes.copy_up("one", str(rootfs), "/srv/data", nobody)
    expected = ["again", "file", "link", "sub"] if stage == "copying" else ["first", "rest"]
    assert sorted(os.listdir(data)) == expected
    assert os.listdir(base) == ["_data"]


def test_what_a_killed_copy_up_had_copied_is_not_seen(
    engine: Engine, rootfs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it would pass for content of the user's, which nothing is added to."""

    def half(source: str, target: str, **_: object) -> None:
        os.makedirs(target, exist_ok=True)
        Path(target, "file").touch()
        raise KeyboardInterrupt

    engine.volumes.create("one")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("rundlet.core.volumes.copy_up.copy_tree", half)
        engine.volumes.copy_up("one", str(rootfs), "/srv/data", nobody)
    assert os.listdir(engine.volumes.path("one")) == []
    engine.volumes.copy_up("one", str(rootfs), "/srv/data", nobody)
    assert Path(engine.volumes.path("one"), "file").read_text() == "content"


def test_copy_up_into_a_mounted_file_system(engine: Engine, rootfs: Path) -> None:
    engine.volumes.create("memory", options={"type": "tmpfs", "device": "tmpfs"})
    path = engine.volumes.mount("memory")
    engine.volumes.copy_up("memory", str(rootfs), "/srv/data", nobody)
    assert sorted(os.listdir(path)) == ["again", "file", "link", "sub"]
    assert (Path(path) / "file").read_text() == "content"


def test_a_volume_gets_another_name(engine: Engine) -> None:
    engine.volumes.create("taken")
    old = engine.volumes.create(anonymous=True)
    Path(engine.volumes.path(old.name), "file").write_text("kept")
    with pytest.raises(AlreadyExists):
        engine.volumes.rename(old.name, "taken")
    with pytest.raises(InvalidArgument):
        engine.volumes.rename(old.name, "-")
    with pytest.raises(AlreadyExists):
        engine.volumes.rename(old.name, old.name)
    engine.volumes.rename(old.name[:12], "new")
    assert Path(engine.volumes.path("new"), "file").read_text() == "kept"
    assert not engine.volumes.get("new").anonymous
    assert [one.name for one in engine.volumes.list()] == ["new", "taken"]
    engine.volumes.create("m", options={"type": "tmpfs", "device": "tmpfs"})
    engine.volumes.mount("m")
    with pytest.raises(WrongState):
        engine.volumes.rename("m", "other")
    use(engine, "new")
    with pytest.raises(InUse):
        engine.volumes.rename("new", "other")
    assert not os.path.lexists(os.path.dirname(engine.volumes.path("other")))
    assert not list(check(engine))


@pytest.mark.parametrize("moment", ["before the row", "after the row", "after the directory"])
def test_a_renaming_that_is_killed_loses_nothing(
    engine: Engine, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data is there under one of the names at each moment, and the rest is cleared."""
    engine.volumes.create("old")
    Path(engine.volumes.path("old"), "file").write_text("kept")
    at = {
        "before the row": "rundlet.core.volumes.renaming.rows.rename",
        "after the row": "rundlet.core.volumes.renaming.exchange",
        "after the directory": "rundlet.core.volumes.renaming.os.unlink",
    }[moment]
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(at, _killed)
        engine.volumes.rename("old", "new")
    name = "old" if moment == "before the row" else "new"
    assert Path(engine.volumes.path(name), "file").read_text() == "kept"
    assert list(check(engine))
    assert not repair(engine).left
    assert Path(engine.volumes.path(name), "file").read_text() == "kept"
    assert os.listdir(engine.volumes.directory) == [name]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
