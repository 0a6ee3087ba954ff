"""Stores of containers/storage, which podman fills, as additional image stores: only read."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools import images
from devtools.fixtures import needs
from devtools.peers import Podman
from devtools.registry import Registry
from devtools.tool import Rundlet
from rundlet.core.contracts.storage import IdMap, MountOptions
from rundlet.core.storage.idmap import Views
from rundlet.core.testing.archives import snapshot

NAME = "localhost/two:latest"
RUN = ("run", "--rm", "--network=none")


@pytest.fixture(scope="session")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """busybox, and a second layer that hides a file of the first."""
    path = tmp_path_factory.mktemp("layout")
    first = images.busybox()
    second = images.layer(
        [
            images.Member("etc"),
            images.Member("etc/motd", b"hello\n", 0o644),
            images.Member("bin/.wh.vi", b"", 0o644),
        ]
    )
    images.Layout(path).add("two", images.ImageRecipe([*first.layers, second], first.config))
    return path


def _podman(layout: Path, driver: str) -> Iterator[Podman]:
    needs("podman")
    with tempfile.TemporaryDirectory(prefix="podman-") as directory:
        tool = Podman(Path(directory), driver)
        tool("pull", "-q", f"oci:{layout}:two")
        tool("tag", tool("images", "-q").stdout.strip(), NAME)
        yield tool
        tool("rmi", "-a", "-f", check=False)


@pytest.fixture
def theirs(layout: Path) -> Iterator[Podman]:
    """podman's own store, of overlay, with localhost/two."""
    yield from _podman(layout, "overlay")


@pytest.fixture(params=["overlay", "vfs"])
def any_theirs(layout: Path, request: pytest.FixtureRequest) -> Iterator[Podman]:
    yield from _podman(layout, request.param)


def _user(rundlet: Rundlet, podman: Podman) -> Rundlet:
    """An empty root, whose storage.conf names podman's store."""
    conf = rundlet.directory / "storage.conf"
    conf.write_text(f"[storage.options]\nadditionalimagestores = ['{podman.directory}/root']\n")
    rundlet.environment["CONTAINERS_STORAGE_CONF"] = str(conf)
    rundlet.environment["RUNDLET_STORAGE_DRIVER"] = podman.command[-3]
    return rundlet


@pytest.fixture
def user(rundlet: Rundlet, theirs: Podman) -> Rundlet:
    return _user(rundlet, theirs)


def test_podmans_images_are_used_and_never_changed(
    rundlet: Rundlet, any_theirs: Podman, tmp_path: Path
) -> None:
    user, root = _user(rundlet, any_theirs), f"{any_theirs.directory}/root"
    wanted = any_theirs("images", "--no-trunc", "--format", "{{.Digest}} {{.ID}} {{.Size}}").stdout
    before = snapshot(root)
    form = ("images", "--no-trunc", "--format", "{{.Digest}} {{.ID}} {{.Size}}")
    assert user(*form, "--filter", "readonly=true").stdout == wanted
    said = user(*RUN, NAME, "sh", "-c", "cat /etc/motd; ls /bin/vi", check=False)
    assert (said.stdout, said.returncode) == ("hello\n", 1)
    user("run", "--network=none", "--name=c", NAME, "touch", "/added")
    user("commit", "-q", "c", "mine")
    user("rm", "c")
    # Archives have the layers that the config names: `load` checks their digests.
    user("save", "-q", "-o", str(tmp_path / "saved"), "mine")
    other = Rundlet(tmp_path / "other")
    other("load", "-q", "-i", str(tmp_path / "saved"))
    other(*RUN, "mine", "ls", "/added", "/etc/motd")
    assert user("image", "diff", NAME).stdout == "C /bin\nD /bin/vi\nC /etc\nA /etc/motd\n"
    assert "cannot remove read-only image" in user("rmi", NAME, check=False).stderr
    assert user("system", "check").stdout == ""
    user("rmi", "mine")
    assert snapshot(root) == before


def test_what_is_pushed_and_pulled(user: Rundlet, theirs: Podman, tmp_path: Path) -> None:
    """Layers go out compressed, and none that is in podman's store comes in."""
    needs("docker-registry")
    place = tmp_path / "registry"
    place.mkdir()
    with Registry(place) as registry:
        name = f"{registry.host}/two:latest"
        user("push", "-q", "--tls-verify=false", NAME, name)
        theirs("rmi", "-a", "-f")
        theirs("pull", "-q", "--tls-verify=false", name)
        digest = ("images", "--format", "{{.Digest}}")
        assert user(*digest).stdout == theirs(*digest).stdout
        layer = max(place.rglob("data"), key=lambda path: path.stat().st_size)
        layer.unlink()
        user("pull", "-q", "--tls-verify=false", name)
    user(*RUN, name, "true")


def test_a_user_namespace_gets_no_copies(user: Rundlet, tmp_path: Path) -> None:
    row = (IdMap(0, 100_000, 65536),)
    with Views(str(tmp_path), MountOptions(uid_map=row, gid_map=row)) as views:
        if not views:
            pytest.skip("this file system has no idmapped mounts")
    user("create", "--network=none", "--name=c", "--uidmap=0:100000:65536", NAME, "true")
    mounted = Path(user("mount", "c").stdout.strip())
    copied = [path for path in mounted.with_name("diff").rglob("*") if path.is_file()]
    assert ((mounted / "etc/motd").stat().st_uid, copied) == (100_000, [])
    user("umount", "c")


def test_what_goes_there_is_told_and_comes_back(user: Rundlet, theirs: Podman) -> None:
    """`system check` names what is gone; `--repair` removes nothing that may come back."""
    user("run", "--network=none", "--name=c", NAME, "touch", "/added")
    user("commit", "-q", "c", "mine")
    saved = theirs.directory / "saved"
    theirs("save", "-q", "-o", str(saved), NAME)
    theirs("rmi", "-a", "-f")
    gone = f"is gone: it was {theirs.directory}/root/overlay/"
    assert gone in user("system", "check", check=False).stdout
    assert gone in user("system", "check", "--repair", "--force", check=False).stdout
    for words in (("start", "c"), (*RUN, "mine", "true")):
        assert f"it was {theirs.directory}/root/overlay/" in user(*words, check=False).stderr
    theirs("load", "-q", "-i", str(saved))
    assert user("system", "check").stdout == ""
    user("start", "-a", "c")
    user(*RUN, "mine", "ls", "/added")
    theirs("rmi", "-a", "-f")
    user("rm", "c")
    assert user("images", "--format", "{{.Repository}}").stdout == "localhost/mine\n"


def test_a_damaged_store_is_named(user: Rundlet, theirs: Podman) -> None:
    root = theirs.directory / "root"
    named = f"additional image store {root}: "
    layers = root / "overlay-layers/layers.json"
    records = json.loads(layers.read_text())
    records[-1]["flags"] = {"incomplete": True}
    whole = layers.read_text()
    layers.write_text(json.dumps(records))
    left = user("images", "-q")
    assert (left.stdout, named in left.stderr) == ("", True)
    assert f" is left out: layer {records[-1]['id']} is not complete" in left.stderr
    layers.write_text(whole)
    assert user("images", "-q").stdout
    state = root / "overlay-images/images.json"
    whole = state.read_text()
    state.write_text(whole[:-10])
    said = user("images", check=False).stderr
    assert f"cannot use the {named}overlay-images/images.json: " in said
    state.write_text(whole)
    user.environment["RUNDLET_STORAGE_DRIVER"] = "vfs"
    user.environment["RUNDLET_GRAPH_ROOT"] += "-vfs"
    said = user("images", check=False).stderr
    assert f"cannot use the {named}it was made with storage driver overlay" in said
