"""What users of the originals complain of, of images and their store (research.md, part 2)."""

from __future__ import annotations

import errno
import glob
import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools import images
from devtools.dying import killed_at
from devtools.lying import Exchange, LyingRegistry

if TYPE_CHECKING:
    from devtools.tool import Rundlet


@pytest.fixture
def store(loaded: Rundlet) -> Rundlet:
    return loaded


@pytest.fixture
def lying() -> Iterator[LyingRegistry]:
    with LyingRegistry() as registry:
        yield registry


# --- pull


def serve(registry: LyingRegistry, directory: Path, sizes: list[int]) -> list[str]:
    """An image `a/b:1` with layers of random files of these sizes; the digests of its layers.

    In each are `first-N`, of one byte, and `rest-N`: see `content`.
    """
    layers = [
        images.layer(
            [images.Member(f"first-{n}", b"x"), images.Member(f"rest-{n}", content(n, size))]
        )
        for n, size in enumerate(sizes)
    ]
    recipe = images.ImageRecipe(layers)
    layout = images.Layout(directory)
    layout.add("b", recipe)

    def blob(digest: str) -> bytes:
        return (directory / "blobs/sha256" / digest.partition(":")[2]).read_bytes()

    index = json.loads((directory / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]["digest"]))
    for part in (manifest["config"], *manifest["layers"]):
        registry.blob(blob(part["digest"]))
    manifest.setdefault("mediaType", index["manifests"][0]["mediaType"])
    registry.manifest("a/b", "1", manifest)
    return [layer["digest"] for layer in manifest["layers"]]


def content(number: int, size: int) -> bytes:
    """What is in `rest-NUMBER`."""
    return random.Random(number).randbytes(size)


def pull(registry: LyingRegistry) -> list[str]:
    return ["pull", "-q", "--tls-verify=false", f"{registry.host}/a/b:1"]


def test_layers_are_pulled_in_parallel(
    rundlet: Rundlet, lying: LyingRegistry, tmp_path: Path
) -> None:
    """No layer is answered before all of them have been asked for."""
    layers = serve(lying, tmp_path / "layout", [10_000] * 3)
    together = threading.Barrier(3)

    def behave(exchange: Exchange) -> bool:
        if exchange.method == "GET" and exchange.path.rpartition("/")[2] in layers:
            together.wait(30)
        return False

    lying.behave = behave
    rundlet(*pull(lying))
    assert not together.broken


def test_a_large_layer_over_a_slow_line_is_pulled_in_ranges(
    rundlet: Rundlet, lying: LyingRegistry, tmp_path: Path
) -> None:
    (layer,) = serve(lying, tmp_path / "layout", [60 << 20])
    at_once, most = [0], [0]

    def behave(exchange: Exchange) -> bool:
        """Every connection has 12 MB/s of its own."""
        if not exchange.path.endswith(layer) or exchange.method != "GET":
            return False
        begin, _, end = exchange.headers.get("range", "bytes=0-").partition("=")[2].partition("-")
        content = lying.blobs[layer]
        first, last = int(begin), int(end or len(content) - 1)
        handler = exchange._handler
        handler.send_response(206 if "range" in exchange.headers else 200)
        handler.send_header("Content-Length", str(last + 1 - first))
        handler.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        handler.end_headers()
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        try:
            for position in range(first, last + 1, 1 << 20):
                handler.wfile.write(content[position : min(position + (1 << 20), last + 1)])
                time.sleep(0.085)
        finally:
            at_once[0] -= 1
        return True

    lying.behave = behave
    rundlet(*pull(lying))
    assert most[0] > 1
    assert len(lying.asked("GET", layer)) > 3


SIZES = [2 << 20, 300_000]


def killed_within_a_layer(store: Rundlet, lying: LyingRegistry, layer: str) -> None:
    """A pull is killed when most of a layer has arrived, and some of that is unpacked."""
    arrived = lying.blobs[layer][: SIZES[0] * 3 // 4]

    def behave(exchange: Exchange) -> bool:
        if exchange.method != "GET" or layer not in exchange.path:
            return False
        handler = exchange._handler
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(lying.blobs[layer])))
        handler.end_headers()
        handler.wfile.write(arrived)
        return exchange.stall()

    lying.behave = behave
    process = subprocess.Popen(["rundlet", *pull(lying)], env=store.environment)
    try:
        deadline = time.monotonic() + 60
        # (Path.glob raises where a directory goes while it looks.)
        while not glob.glob(f"{store.directory}/root/overlay/**/diff/rest-0", recursive=True):
            assert time.monotonic() < deadline
    finally:
        process.kill()
        process.wait()
    lying.behave = lambda exchange: False


@pytest.mark.parametrize(
    ("at", "call"),
    [
        ("", 0),
        *(("os:rename", call) for call in (1, 3, 5)),  # of layers, blobs, config and manifest
        ("rundlet.core.state.images:insert", 1),
        ("rundlet.core.state.images:set_name", 1),
    ],
)
def test_a_killed_pull_corrupts_nothing(
    store: Rundlet, lying: LyingRegistry, tmp_path: Path, at: str, call: int
) -> None:
    """Wherever it was: no half image is there, and without any repair the next pull has it all."""
    layers = serve(lying, tmp_path / "layout", SIZES)
    if at:
        killed_at(at, *pull(lying), call=call, environment=store.environment)
    else:
        killed_within_a_layer(store, lying, layers[0])
    assert store("images", "-a", "--format", "{{.Repository}}").stdout == "localhost/busybox\n"
    assert "interrupted work" in store("system", "check").stderr  # which is no error
    store("run", "--rm", "--network=none", "busybox", "true")
    store(*pull(lying))
    mounted = Path(store("image", "mount", f"{lying.host}/a/b:1").stdout.strip())
    try:
        files = [(mounted / f"rest-{number}").read_bytes() for number in range(len(SIZES))]
    finally:
        store("image", "unmount", f"{lying.host}/a/b:1")
    assert files == [content(*each) for each in enumerate(SIZES)]
    assert store("system", "check").stdout == ""


# --- space


def test_no_temporaries_outside_of_the_store(store: Rundlet, tmp_path: Path) -> None:
    """/var/tmp and TMPDIR may be small: nothing large goes there."""
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    store.environment["TMPDIR"] = str(nowhere)
    # In a mount namespace of each command's own.
    small = "for each in /var/tmp $TMPDIR; do mount -t tmpfs -o size=64k none $each || exit; done"
    within = ["unshare", "-m", "--propagation", "private", "sh", "-ec", f'{small}; exec "$@"', "sh"]

    def tool(*words: str, stdin: Path = Path("/dev/null")) -> None:
        with stdin.open("rb") as file:
            subprocess.run(
                [*within, "rundlet", *words], env=store.environment, stdin=file, check=True
            )

    words = ("--network", "none", "--name", "big", "busybox")
    tool("run", *words, "dd", "if=/dev/urandom", "of=/big", "bs=1M", "count=8")
    tool("commit", "-q", "big", "made")
    for kind in ("docker-archive", "oci-archive"):
        archive = tmp_path / f"made.{kind}"
        tool("save", "-q", "--format", kind, "-o", str(archive), "made")
        tool("rmi", "made")
        tool("load", "-q", "-i", str(archive))
    tool("load", "-q", stdin=archive)
    tool("export", "-o", str(tmp_path / "tree.tar"), "big")
    tool("import", "-q", str(tmp_path / "tree.tar"), "imported")
    tool("run", "--rm", "--network", "none", "made", "ls", "/big")


def fill_up(path: Path) -> None:
    """Write until there is not a byte left."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC


def test_a_full_disk_is_said_and_loses_nothing(
    rundlet: Rundlet, busybox_archive: Path, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=14m", "none", small], check=True)
    try:
        rundlet.environment["RUNDLET_GRAPH_ROOT"] = str(small / "root")
        rundlet("--storage-driver", "vfs", "load", "-q", "-i", str(busybox_archive))
        fill = "dd if=/dev/urandom of=/fill bs=1M count=30 2>/dev/null; true"
        words = ("--network", "none", "--name", "full", "busybox", "sh", "-c", fill)
        for command in (("run", *words), ("commit", "full", "made")):
            done = rundlet(*command, check=False)
            assert done.returncode in (0, 125)
            assert done.returncode == 0 or "space" in done.stderr.lower(), done.stderr
        assert done.returncode == 125
        # The run may have used up what is kept for this; a command with space keeps some again.
        (filled,) = small.glob("root/vfs/**/fill")
        os.truncate(filled, filled.stat().st_size - (5 << 20))
        rundlet("ps")
        fill_up(small / "filler")
        assert "full" in rundlet("ps", "-a").stdout
        rundlet("rm", "full")
        assert rundlet("images", "--format", "{{.Repository}}").stdout == "localhost/busybox\n"
        rundlet("run", "--rm", "--network", "none", "busybox", "true")
        assert rundlet("system", "check").stdout == ""
    finally:
        rundlet("rm", "-a", "-f", "-t", "0", check=False)
        subprocess.run(["umount", "-l", small], check=True)


def test_removing_leaves_no_layer(store: Rundlet) -> None:
    layers = store.directory / "root/overlay"
    for number in range(3):
        name = f"made:{number}"
        store("run", "--network", "none", "--name", "c", "busybox", "touch", f"/{number}")
        store("commit", "-q", "c", name)
        store("rm", "c")
    store("rmi", "-f", "-a")
    left = [entry for entry in os.listdir(layers) if len(entry) == 64]
    assert left == []
    assert store("system", "check").stdout == ""


def test_prune_does_not_eat_what_is_being_used(store: Rundlet) -> None:
    """An image without a name and the volumes that a running container needs."""
    words = ("--network", "none", "--name", "c", "-v", "named:/named", "-v", "/anonymous")
    store("run", "-d", *words, "busybox", "sleep", "300")
    store("exec", "c", "touch", "/named/kept", "/anonymous/kept")
    store("untag", "busybox")
    store("system", "prune", "-a", "-f", "--volumes")
    store("volume", "prune", "-a", "-f")
    store("exec", "c", "ls", "/named/kept", "/anonymous/kept")
    store("restart", "-t", "0", "c")  # which needs all of it anew
    store("exec", "c", "ls", "/named/kept", "/anonymous/kept")
