"""--imagestore: files of images in a directory that graph roots share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.tool import Rundlet

RUN = ("run", "--rm", "--network=none")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def users(tmp_path: Path, store: Path, busybox_archive: Path) -> Iterator[tuple[Rundlet, Rundlet]]:
    """Two graph roots with that store, and busybox in each."""
    found = []
    for name in ("one", "other"):
        tool = Rundlet(tmp_path / name)
        tool(f"--imagestore={store}", "load", "-q", "-i", str(busybox_archive))
        found.append(tool)
    yield found[0], found[1]
    for tool in found:
        tool("rm", "-a", "-f", "-t", "0", check=False)
        assert not tool.mounts()


def _kept(store: Path) -> int:
    """How many layers and blobs are in a store."""
    layers = {one.name for one in (store / "overlay").iterdir()} - {"staging", "empty"}
    return len(layers) + len(list((store / "blobs/sha256").iterdir()))


def test_what_a_graph_root_needs_is_kept_for_it(
    users: tuple[Rundlet, Rundlet], store: Path, tmp_path: Path
) -> None:
    one, other = users
    assert _kept(store) == 1 + 3  # a layer, its archive, config and manifest: once
    (tmp_path / "Containerfile").write_text("FROM busybox\nRUN echo built > /built\n")
    one("build", "-q", "--network=none", "-t", "built", str(tmp_path))
    one(*RUN, "--name=c", "--rm=false", "built", "rm", "/bin/vi")
    one("commit", "-q", "c", "committed")
    assert one(*RUN, "committed", "cat", "/built").stdout == "built\n"
    assert _kept(store) > 4
    assert all(path.is_symlink() for path in (one.directory / "root/overlay").glob("*/diff")
               if path.parent.name != one("ps", "-aq", "--no-trunc").stdout.strip())  # fmt: skip
    options = one("info", "--format", "{{.Store.GraphOptions}}").stdout
    assert options == f"map[overlay.imagestore:{store}]\n"
    one("rm", "c")
    one("rmi", "-a")
    assert (_kept(store), one("system", "check").stdout) == (4, "")
    assert other(*RUN, "busybox", "echo", "there").stdout == "there\n"
    one("system", "reset", "-f")
    assert other(*RUN, "busybox", "echo", "there").stdout == "there\n"
    assert other("system", "check").stdout == ""
    other("system", "reset", "-f")
    assert not store.exists()


def test_images_of_the_other_are_listed_where_it_is_named(
    users: tuple[Rundlet, Rundlet], store: Path
) -> None:
    one, other = users
    one("rmi", "busybox")
    named = ("--storage-opt", f"additionalimagestore={other.directory}/root")
    one(*named, "create", "--network=none", "--name=c", "busybox", "echo", "there")
    other("rmi", "busybox")
    assert one(*named, "start", "-a", "c").stdout == "there\n"
    assert (_kept(store), one(*named, "system", "check").stdout) == (4, "")
    one(*named, "rm", "c")
    one("rmi", "-a")
    assert _kept(store) == 0


def test_what_may_be_needed_is_kept(users: tuple[Rundlet, Rundlet], store: Path) -> None:
    one, other = users
    away = other.directory / "away"
    (other.directory / "root").rename(away)
    one("rmi", "busybox")
    assert _kept(store) == 4
    told = one("system", "check", check=False).stdout
    assert f"the graph root {other.directory}/root is not there" in told
    # It is where it was again, and then somewhere else for good.
    away.rename(other.directory / "root")
    assert one("system", "check").stdout == ""
    (other.directory / "root").rename(away)
    other.environment["RUNDLET_GRAPH_ROOT"] = str(away)
    assert other(*RUN, "busybox", "echo", "there").stdout == "there\n"
    other("rmi", "busybox")
    assert _kept(store) == 0
    assert one("system", "check").stdout == ""


def test_a_store_that_is_gone_or_another(
    users: tuple[Rundlet, Rundlet], store: Path, busybox_archive: Path
) -> None:
    one, _ = users
    load = ("load", "-q", "-i", str(busybox_archive))
    one("create", "--network=none", "--name=c", "busybox", "true")
    root = one.directory / "root"
    store.rename(f"{store}-away")
    assert f"the image store {store} is not there" in one(*load, check=False).stderr
    assert one("images", "-q").stdout and one("info").stdout
    assert str(store) in one("start", "c", check=False).stderr
    one("rm", "c")
    os.rename(f"{store}-away", store)
    assert one(*RUN, "busybox", "echo", "back").stdout == "back\n"
    other = one("--imagestore=/x", *load, check=False)
    words = f"Error: the images of the graph root {root} are in the image store {store}, not /x\n"
    assert (other.returncode, other.stderr[: len(words)]) == (125, words)
    fresh = Rundlet(one.directory / "fresh")
    refused = fresh(f"--imagestore={root}", *load, check=False).stderr
    assert f"{root} cannot be an image store: it has a state.db of something else" in refused
    same = one.directory / "same"
    refused = fresh(f"--root={same}", f"--imagestore={same}", *load, check=False).stderr
    assert f"the image store {same} must be another directory than the graph root" in refused
