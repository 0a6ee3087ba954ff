"""What users of the originals complain of, of images and their store (research.md, part 2)."""

from __future__ import annotations

import errno
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
    """An image `a/b:1` with layers of random files of these sizes; the digests of its layers."""
    layers = [
        images.layer([images.Member(f"f{number}", os.urandom(size))])
        for number, size in enumerate(sizes)
    ]
    recipe = images.ImageRecipe(layers)
    layout = images.Layout(directory)
    layout.add("b", recipe)
    import json

    def blob(digest: str) -> bytes:
        return (directory / "blobs/sha256" / digest.partition(":")[2]).read_bytes()

    index = json.loads((directory / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]["digest"]))
    for part in (manifest["config"], *manifest["layers"]):
        registry.blob(blob(part["digest"]))
    manifest.setdefault("mediaType", index["manifests"][0]["mediaType"])
    registry.manifest("a/b", "1", manifest)
    return [layer["digest"] for layer in manifest["layers"]]


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


def test_a_killed_pull_corrupts_nothing(
    store: Rundlet, lying: LyingRegistry, tmp_path: Path
) -> None:
    serve(lying, tmp_path / "layout", [300_000] * 4)
    rolled = random.Random(7)
    for _ in range(8):
        process = subprocess.Popen(["rundlet", *pull(lying)], env=store.environment,
                                   stdout=subprocess.DEVNULL)  # fmt: skip
        time.sleep(rolled.uniform(0.1, 0.8))
        process.kill()
        process.wait()
        store("run", "--rm", "--network=none", "busybox", "true")
    store(*pull(lying))
    store("system", "check", "--repair")
    assert store("system", "check").stdout == ""


# --- space


def test_no_temporaries_outside_of_the_store(store: Rundlet, tmp_path: Path) -> None:
    """/var/tmp and TMPDIR may be small: nothing large goes there."""
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    nowhere.chmod(0o500)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", nowhere], check=True)
    try:
        store.environment["TMPDIR"] = str(nowhere)
        words = ("--network", "none", "--name", "big", "busybox")
        store("run", *words, "dd", "if=/dev/urandom", "of=/big", "bs=1M", "count=8")
        store("commit", "-q", "big", "made")
        store("save", "-q", "-o", str(tmp_path / "made.tar"), "made")
        store("rmi", "made")
        store("load", "-q", "-i", str(tmp_path / "made.tar"))
        store("run", "--rm", "--network", "none", "made", "ls", "/big")
        assert os.listdir(nowhere) == []
    finally:
        subprocess.run(["umount", nowhere], check=True)


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
    """An image without a name that a running container needs."""
    store("run", "-d", "--network", "none", "--name", "c", "busybox", "sleep", "300")
    store("untag", "busybox")
    store("system", "prune", "-a", "-f", "--volumes")
    assert store("exec", "c", "echo", "alive").stdout == "alive\n"
