"""Pulls beside each other, pulls that are killed, and pulls of what is there already."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard

from devtools import images
from devtools.lying import Exchange, LyingRegistry
from rundlet.core import Engine
from rundlet.core.content.compress import decompressed
from rundlet.core.errors import RegistryError
from rundlet.core.state import events

PULL = """
import sys
from rundlet.core import Engine
from rundlet.core.settings.snapshot import Settings

root, run, conf, name = sys.argv[1:]
with Engine(Settings(graph_root=root, run_root=run, registries_conf=conf)) as engine:
    print(engine.images.pull(name).id)
"""


def pulling(engine: Engine, name: str) -> subprocess.Popen[str]:
    """A process that pulls an image into an engine's store."""
    settings = engine.settings
    places = (settings.graph_root, settings.run_root, settings.registries_conf)
    return subprocess.Popen(
        [sys.executable, "-c", PULL, *places, name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left(engine: Engine) -> list[str]:
    """Everything in a store once garbage was collected: rows, blobs, layers, temporaries."""
    engine.layers.collect()
    found = [
        f"{table}: {row}"
        for table in ("images", "layers", "blobs", "leases")
        for row in engine.database.rows(f"SELECT * FROM {table}")
    ]
    root = Path(engine.settings.graph_root)
    found += map(str, root.glob("blobs/*/*"))
    found += map(str, root.glob("tmp/*"))
    for inside in ("overlay", "vfs"):
        found += [str(path) for path in root.glob(f"{inside}/*/*") if path.name.isalnum()]
    return found


def test_many_processes_pull_the_same_image_at_once(engine: Engine, served: Any) -> None:
    processes = [pulling(engine, served.name) for _ in range(4)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    assert len({out for out, _ in said}) == 1
    assert len(engine.images.list()) == 1
    engine.images.remove(served.name)
    assert not left(engine)


@pytest.mark.parametrize("sent", [0, 150_000, 299_999])
def test_killed_in_the_middle_of_a_pull(
    engine: Engine, served: Any, lying: LyingRegistry, sent: int
) -> None:
    """Nothing is left that counts, and the next pull has the image."""
    reached = threading.Event()

    def behave(exchange: Exchange) -> bool:
        if served.layers[1] not in exchange.path or reached.is_set():
            return False
        content = lying.blobs[served.layers[1]]
        handler = exchange._handler
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:sent])
        handler.wfile.flush()
        time.sleep(0.2)
        reached.set()
        return exchange.stall()

    lying.behave = behave
    process = pulling(engine, served.name)
    assert reached.wait(60)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not engine.images.exists(served.name)
    assert not left(engine)
    engine.images.pull(served.name)
    assert engine.images.exists(served.name)


def test_killed_at_any_moment(engine: Engine, served: Any) -> None:
    rolled = random.Random(20)
    for _ in range(12):
        process = pulling(engine, served.name)
        time.sleep(rolled.uniform(0.15, 0.7))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        if engine.images.exists(served.name):
            engine.images.push(served.name, f"dir:{engine.settings.graph_root}/../copy")
            engine.images.remove(served.name)
        assert not left(engine)
    engine.images.pull(served.name)
    engine.images.push(served.name, f"dir:{engine.settings.graph_root}/../copy")


def test_two_processes_one_killed(engine: Engine, served: Any) -> None:
    """Whoever waits for a layer that a killed process was unpacking unpacks it."""
    first, second = pulling(engine, served.name), pulling(engine, served.name)
    time.sleep(0.35)
    first.kill()
    first.communicate(timeout=60)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 0, said
    assert engine.images.exists(served.name)


def test_a_prune_takes_nothing_from_a_pull(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: Any
) -> None:
    """Neither what it has brought, nor what it goes on from: an earlier pull's layer."""
    lying.behave = lambda exchange: served.layers[1] in exchange.path and exchange.answer(500)
    with pytest.raises(RegistryError):
        engine.images.pull(served.name, settings=impatient)
    lying.requests.clear()
    asked, go_on = threading.Event(), threading.Event()

    def behave(exchange: Exchange) -> bool:
        if served.layers[1] in exchange.path:
            asked.set()
            assert go_on.wait(60)
        return False

    lying.behave = behave
    process = pulling(engine, served.name)
    assert asked.wait(60)
    deadline = time.monotonic() + 60
    while not engine.blobs.has(served.config):
        assert time.monotonic() < deadline
    (there,) = engine.layers.driver.layers()
    list(engine.images.prune([]))
    assert list(engine.layers.driver.layers()) == [there]
    assert engine.blobs.has(served.layers[0])
    assert engine.blobs.has(served.config)
    go_on.set()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert not lying.asked("GET", served.layers[0])
    engine.images.push(served.name, f"dir:{engine.settings.graph_root}/../copy")
    assert len(list(engine.layers.driver.layers())) == 2


# --- what is known is not fetched


def test_a_second_pull_downloads_nothing(engine: Engine, served: Any, lying: LyingRegistry) -> None:
    engine.images.pull(served.name)
    lying.requests.clear()
    engine.images.pull(served.name)
    assert [(method, path) for method, path, _ in lying.requests] == [
        ("GET", "/v2/"),
        ("GET", f"/v2/{served.repository}/manifests/1"),
    ]


def test_known_layers_are_not_fetched_for_another_image(
    engine: Engine, served: Any, lying: LyingRegistry
) -> None:
    """Another image, in another repository, with a config of its own on the same layers."""
    engine.images.pull(served.name)
    config = lying.blobs[served.config].replace(b"true", b"fals")
    described = {"digest": lying.blob(config), "size": len(config), "mediaType": images.CONFIG}
    lying.manifest("other", "1", {**served.document, "config": described})
    lying.requests.clear()
    engine.images.pull(f"{lying.host}/other:1")
    assert [path for _, path, _ in lying.requests if "/blobs/" in path] == [
        f"/v2/other/blobs/{described['digest']}"
    ]


def test_layers_of_a_failed_pull_are_gone_on_from(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: Any
) -> None:
    broken = served.layers[1]
    lying.behave = lambda exchange: broken in exchange.path and exchange.answer(500)
    with pytest.raises(RegistryError):
        engine.images.pull(served.name, settings=impatient)
    lying.requests.clear()
    lying.behave = lambda exchange: False
    engine.images.pull(served.name)
    assert not lying.asked("GET", served.layers[0])
    engine.images.push(served.name, f"dir:{engine.settings.graph_root}/../copy")


def test_a_layer_known_in_another_compression(
    engine: Engine, served: Any, lying: LyingRegistry, tmp_path: Path
) -> None:
    """It is not fetched, and the image can be saved and loaded all the same."""
    import io

    engine.images.pull(served.name)
    layers = []
    for digest in served.layers:
        with decompressed(io.BytesIO(lying.blobs[digest])) as stream:
            packed = zstandard.compress(stream.read())
        layers.append(
            {
                "mediaType": images.LAYER.replace("gzip", "zstd"),
                "digest": lying.blob(packed),
                "size": len(packed),
            }
        )
    config = lying.blobs[served.config].replace(b"true", b"fals")
    described = {"digest": lying.blob(config), "size": len(config), "mediaType": images.CONFIG}
    lying.manifest("other", "1", {**served.document, "config": described, "layers": layers})
    lying.requests.clear()
    other = f"{lying.host}/other:1"
    engine.images.pull(other)
    assert len(lying.asked("GET", "/blobs/")) == 1
    engine.images.save([other], str(tmp_path / "other.tar"), format="oci-archive")
    engine.images.remove(served.name)
    engine.images.save([other], str(tmp_path / "again.tar"), format="docker-archive")
    before = engine.images.get(other).id
    engine.images.remove(other)
    assert not left(engine)
    for file in ("other.tar", "again.tar"):
        engine.images.load(str(tmp_path / file))
        assert engine.images.get(before)


# --- events


def test_events_of_images(engine: Engine, served: Any, tmp_path: Path) -> None:
    image = engine.images.pull(served.name)
    engine.images.tag(served.name, "mine:2")
    engine.images.push(served.name, f"dir:{tmp_path}/pushed")
    engine.images.save([served.name], str(tmp_path / "saved.tar"))
    engine.images.load(str(tmp_path / "saved.tar"))
    engine.images.untag(served.name, "mine:2")
    engine.images.remove(served.name)
    told = [(each.action, each.id, each.name) for each in events.between(engine.database)]
    assert told == [
        ("pull", image.id, served.name),
        ("tag", image.id, "localhost/mine:2"),
        ("push", image.id, f"dir:{tmp_path}/pushed"),
        ("save", image.id, str(tmp_path / "saved.tar")),
        ("loadfromarchive", image.id, str(tmp_path / "saved.tar")),
        ("untag", image.id, "localhost/mine:2"),
        ("untag", image.id, served.name),
        ("remove", image.id, served.name),
    ]


def test_a_pull_that_failed_is_an_event_that_says_why(engine: Engine, lying: LyingRegistry) -> None:
    from rundlet.core.errors import NoSuchImage

    with pytest.raises(NoSuchImage):
        engine.images.pull(f"{lying.host}/nothing:1")
    (told,) = events.between(engine.database)
    assert (told.action, told.name) == ("pull-error", f"{lying.host}/nothing:1")
    assert "nothing" in told.attributes["error"]
