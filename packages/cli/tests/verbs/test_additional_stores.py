"""Additional image stores (containers-storage.conf(5)): images of another root, only read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from devtools.fixtures import needs
from devtools.registry import Registry, push
from devtools.tool import Rundlet
from rundlet.core.testing.archives import snapshot

NAMES = ("images", "--format", "{{.Repository}} {{.ReadOnly}}")


@pytest.fixture
def shared(tmp_path: Path, busybox_archive: Path) -> Rundlet:
    """Another root, with localhost/busybox."""
    tool = Rundlet(tmp_path / "shared")
    tool("load", "-q", "-i", str(busybox_archive))
    return tool


@pytest.fixture
def user(rundlet: Rundlet, shared: Rundlet, tmp_path: Path) -> Rundlet:
    """An empty root, whose storage.conf names that one."""
    conf = tmp_path / "storage.conf"
    conf.write_text(f"[storage.options]\nadditionalimagestores = ['{shared.directory}/root']\n")
    rundlet.environment["CONTAINERS_STORAGE_CONF"] = str(conf)
    return rundlet


def _content(tool: Rundlet) -> object:
    return snapshot(f"{tool.directory}/root")


def test_images_of_another_store_are_used_and_never_changed(
    user: Rundlet, shared: Rundlet, tmp_path: Path
) -> None:
    shared("manifest", "create", "list", "busybox")  # is theirs alone
    before = _content(shared)
    assert user("images").stdout.split("\n")[0].split()[-1] == "R/O"
    assert user("images", "-q", "--filter", "readonly=false").stdout == ""
    identity = user("images", "-q", "--no-trunc", "--filter", "readonly=true").stdout.strip()
    assert user("run", "--rm", "--network=none", "busybox", "echo", "hello").stdout == "hello\n"
    user("run", "--network=none", "--name=c", "busybox", "rm", "/bin/vi")
    user("commit", "-q", "c", "mine")
    user("rm", "c")
    user("save", "-q", "-o", str(tmp_path / "saved"), "busybox")
    refused = user("rmi", "-f", "busybox", check=False)
    words = f'Error: cannot remove read-only image "{identity.removeprefix("sha256:")}"\n'
    assert (refused.returncode, refused.stderr[: len(words)]) == (125, words)
    user("image", "prune", "-a", "-f", "--filter", "label!=x")
    user("rmi", "-a")
    assert user(*NAMES).stdout == "localhost/busybox true\n"
    assert user("system", "check").stdout == ""
    # With a name given here it is ours, and theirs again when ours is removed.
    user("tag", "busybox", "named")
    user("rmi", "-a")
    assert user(*NAMES).stdout == "localhost/busybox true\n"
    user("system", "reset", "-f")
    assert _content(shared) == before


def test_what_the_other_store_does_is_seen(user: Rundlet, shared: Rundlet) -> None:
    user("create", "--network=none", "--name=c", "busybox", "true")
    shared("tag", "busybox", "more")
    assert user(*NAMES).stdout == "localhost/busybox true\nlocalhost/more true\n"
    user("rm", "c")
    shared("rmi", "busybox", "more")
    assert user(*NAMES).stdout == ""
    assert user("system", "check").stdout == ""
    assert os.listdir(user.directory / "root/blobs/sha256") == []


def test_known_layers_are_not_pulled(user: Rundlet, shared: Rundlet, image_layout: Path) -> None:
    needs("docker-registry", "skopeo")
    place = user.directory / "registry"
    place.mkdir()
    with Registry(place) as registry:
        name = f"{registry.host}/busybox:latest"
        push(image_layout, "busybox", name)
        shared("pull", "-q", "--tls-verify=false", name)
        layer = max(place.rglob("data"), key=lambda path: path.stat().st_size)
        layer.unlink()
        user("pull", "-q", "--tls-verify=false", name)
    user("run", "--rm", "--network=none", name, "true")


def test_a_store_that_is_gone_or_damaged_is_named(user: Rundlet, shared: Rundlet) -> None:
    user("create", "--network=none", "--name=c", "busybox", "true")
    root = shared.directory / "root"
    named = f"cannot use the additional image store {root}: "
    state = root / "state.db"
    kept = state.read_bytes()
    state.write_text("no database " * 1000)
    assert named in user("images", check=False).stderr
    state.unlink()
    assert f"{named}its state.db is gone" in user("images", check=False).stderr
    state.write_bytes(kept)
    root.rename(f"{root}-away")
    assert f"{named}there is no such directory" in user("system", "check", check=False).stderr
    assert str(root) in user("start", "c", check=False).stderr
    assert user("ps", "-aq").stdout
    Path(f"{root}-away").rename(root)
    user("start", "-a", "c")
    user.environment["CONTAINERS_STORAGE_CONF"] = "/dev/null"
    user("rm", "c")
    shutil.rmtree(root)
    assert user(*NAMES).stdout == ""
    assert user("system", "check").stdout == ""
