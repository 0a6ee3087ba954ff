"""Registries that lie, break off, stall or are busy: a clear error, and nothing half-stored."""

from __future__ import annotations

import gzip
import resource
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from devtools import images
from devtools.lying import Exchange, LyingRegistry
from rundlet.core import Engine
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import (
    Corrupt,
    DigestMismatch,
    NoSuchImage,
    NotFound,
    RegistryError,
    RundletError,
    TimedOut,
    Unauthorized,
)


def on(part: str, act: Callable[[Exchange], bool], times: int = 1000) -> Callable[[Exchange], bool]:
    """Do `act` for the first GETs whose path contains `part`."""
    left = [times]

    def behave(exchange: Exchange) -> bool:
        if exchange.method != "GET" or part not in exchange.path or not left[0]:
            return False
        left[0] -= 1
        return act(exchange)

    return behave


# --- bytes that are wrong


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("what", ["other", "longer", "shorter"])
def test_a_wrong_blob_is_refused(
    engine: Engine, served: Any, impatient: TransportSettings, what: str
) -> None:
    right = served.registry.blobs[served.layers[1]]
    wrong = {"other": bytes(len(right)), "longer": right + b"x", "shorter": right[:-1]}[what]
    served.registry.behave = on(served.layers[1], lambda exchange: exchange.answer(200, wrong))
    with pytest.raises((Corrupt, RegistryError)) as caught:
        engine.images.pull(served.name, settings=impatient)
    assert served.layers[1] in str(caught.value)


@pytest.mark.usefixtures("nothing_stored")
def test_a_blob_without_end_is_cut_at_its_declared_size(
    engine: Engine, served: Any, impatient: TransportSettings, lying: LyingRegistry
) -> None:
    right = lying.blobs[served.layers[1]]
    lying.behave = on(served.layers[1], lambda exchange: exchange.endless(right))
    with pytest.raises(Corrupt, match="longer than its"):
        engine.images.pull(served.name, settings=impatient)
    assert lying.poured < 64 << 20  # what fits in the buffers between


@pytest.mark.usefixtures("nothing_stored")
def test_a_gzip_bomb_costs_no_memory_and_is_not_kept(
    engine: Engine, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    """A quarter of a megabyte that inflates to 256 MB, and is not what the config promises."""
    bomb = gzip.compress(bytes(1 << 20), 9, mtime=0) * 256
    config = b'{"os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:' + b"0" * 64 + b'"]}}'
    lying.manifest(
        "bomb",
        "1",
        {
            "schemaVersion": 2,
            "mediaType": images.MANIFEST,
            "config": {
                "mediaType": images.CONFIG,
                "digest": lying.blob(config),
                "size": len(config),
            },
            "layers": [{"mediaType": images.LAYER, "digest": lying.blob(bomb), "size": len(bomb)}],
        },
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Corrupt):
        engine.images.pull(f"{lying.host}/bomb:1", settings=impatient)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@pytest.mark.usefixtures("nothing_stored")
def test_a_manifest_of_another_digest_is_refused(
    engine: Engine, served: Any, impatient: TransportSettings
) -> None:
    asked = "sha256:" + "1" * 64
    data, kind = served.registry.manifests[served.repository, "1"]
    served.registry.manifests[served.repository, asked] = data, kind
    with pytest.raises(DigestMismatch, match=asked):
        engine.images.pull(
            f"{served.registry.host}/{served.repository}@{asked}", settings=impatient
        )


@pytest.mark.usefixtures("nothing_stored")
def test_a_manifest_without_end_is_cut(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    lying.behave = on("/manifests/", lambda exchange: exchange.endless(b"{"))
    with pytest.raises(Corrupt, match="larger than"):
        engine.images.pull(served.name, settings=impatient)
    assert lying.poured < 64 << 20


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b'{"schemaVersion":2}', b"[" * 100_000])
def test_nonsense_for_a_manifest(
    engine: Engine, served: Any, impatient: TransportSettings, data: bytes
) -> None:
    served.registry.behave = on("/manifests/", lambda exchange: exchange.answer(200, data))
    with pytest.raises(Corrupt):
        engine.images.pull(served.name, settings=impatient)


@pytest.mark.usefixtures("nothing_stored")
def test_indexes_in_indexes_end(
    engine: Engine, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    """An index of an index of an index ...: a real loop would need a hash of itself."""
    inner = {"schemaVersion": 2, "mediaType": images.INDEX, "manifests": []}
    for _ in range(50):
        digest = lying.manifest("deep", "1", inner)
        size = len(lying.manifests["deep", "1"][0])
        inner = {
            "schemaVersion": 2,
            "mediaType": images.INDEX,
            "manifests": [
                {
                    "mediaType": images.INDEX,
                    "digest": digest,
                    "size": size,
                    "platform": {"os": "linux", "architecture": "amd64"},
                }
            ],
        }
    lying.manifest("deep", "1", inner)
    with pytest.raises(Corrupt, match="nested too deeply"):
        engine.images.pull(f"{lying.host}/deep:1", settings=impatient)
    assert len(lying.asked("GET", "/manifests/")) < 10


@pytest.mark.usefixtures("nothing_stored")
def test_an_instance_of_another_size_than_the_index_says(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    entry = {
        "mediaType": images.MANIFEST,
        "digest": served.digest,
        "size": 3,
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    lying.manifest(
        served.repository,
        "index",
        {"schemaVersion": 2, "mediaType": images.INDEX, "manifests": [entry]},
    )
    with pytest.raises(Corrupt, match="not 3"):
        engine.images.pull(f"{lying.host}/{served.repository}:index", settings=impatient)


# --- lines that break


def test_a_broken_download_goes_on_where_it_broke(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    content = lying.blobs[served.layers[1]]
    lying.behave = on(
        served.layers[1], lambda exchange: exchange.cut(200, content, 123_456), times=1
    )
    engine.images.pull(served.name, settings=impatient)
    first, second = lying.asked("GET", served.layers[1])
    assert "range" not in first
    assert second["range"] == "bytes=123456-"


def test_a_registry_without_ranges_is_read_from_the_start_again(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    content = lying.blobs[served.layers[1]]

    def behave(exchange: Exchange) -> bool:
        if served.layers[1] not in exchange.path:
            return False
        if "range" in exchange.headers:
            return exchange.answer(200, content)
        return exchange.cut(200, content, 100_000)

    lying.behave = behave
    engine.images.pull(served.name, settings=impatient)
    assert engine.images.exists(served.name)


@pytest.mark.usefixtures("nothing_stored")
def test_a_range_of_other_bytes_is_refused(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    content = lying.blobs[served.layers[1]]

    def behave(exchange: Exchange) -> bool:
        if served.layers[1] not in exchange.path:
            return False
        if "range" in exchange.headers:
            whole = {"Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}"}
            return exchange.answer(206, content, whole)
        return exchange.cut(200, content, 1000)

    lying.behave = behave
    with pytest.raises(Corrupt, match="asked for bytes from 1000"):
        engine.images.pull(served.name, settings=impatient)


def test_a_long_download_over_a_bad_line_arrives(
    lying: LyingRegistry,
) -> None:
    """More breaks than are allowed without progress, 2 MB apart."""
    from rundlet.core.content.verify import Verified
    from rundlet.core.images.descriptor import Descriptor
    from rundlet.core.transports.docker.transport import DockerTransport

    content = bytes(range(256)) * (40 << 12)
    digest = lying.blob(content)

    def behave(exchange: Exchange) -> bool:
        if digest not in exchange.path:
            return False
        start = int(exchange.headers.get("range", "bytes=0-")[6:-1])
        rest = content[start:]
        where = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return exchange.cut(206 if start else 200, rest, 2 << 20, {"Content-Range": where})

    lying.behave = behave
    transport = DockerTransport()
    with transport.source(
        transport.parse(f"//{lying.host}/a:1"), TransportSettings(retry_delay=0.01)
    ) as source:
        wanted = Descriptor(digest, len(content))
        with source.blob(wanted) as blob:
            Verified(blob, wanted, "blob").finish()
    assert len(lying.asked("GET", digest)) == 20


@pytest.mark.usefixtures("nothing_stored")
def test_a_byte_at_a_time_ends_somewhen(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    content = lying.blobs[served.layers[1]]

    def behave(exchange: Exchange) -> bool:
        if served.layers[1] not in exchange.path:
            return False
        start = int(exchange.headers.get("range", "bytes=0-")[6:-1])
        where = f"bytes {start}-{len(content) - 1}/{len(content)}"
        status = 206 if start else 200
        return exchange.cut(status, content[start:], 1, {"Content-Range": where})

    lying.behave = behave
    with pytest.raises(RegistryError, match="broke off at byte"):
        engine.images.pull(served.name, settings=impatient)
    assert len(lying.asked("GET", served.layers[1])) < 30


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("where", ["/v2/", "/manifests/", "/blobs/"])
def test_a_registry_that_stalls(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings, where: str
) -> None:
    def behave(exchange: Exchange) -> bool:
        stalls = exchange.path == where if where == "/v2/" else where in exchange.path
        return exchange.stall() if stalls else False

    lying.behave = behave
    started = time.monotonic()
    with pytest.raises(TimedOut, match=lying.host):
        engine.images.pull(served.name, settings=impatient)
    assert time.monotonic() - started < 30


@pytest.mark.usefixtures("nothing_stored")
def test_a_blob_that_stalls_in_the_middle(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    content = lying.blobs[served.layers[1]]

    def behave(exchange: Exchange) -> bool:
        if served.layers[1] not in exchange.path:
            return False
        handler = exchange._handler
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:1000])
        handler.wfile.flush()
        return exchange.stall()

    lying.behave = behave
    started = time.monotonic()
    with pytest.raises(TimedOut):
        engine.images.pull(served.name, settings=impatient)
    assert time.monotonic() - started < 30


# --- registries that are busy


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("where", ["/v2/", "/manifests/", "/blobs/"])
def test_a_busy_registry_is_asked_again(
    engine: Engine,
    served: Any,
    lying: LyingRegistry,
    impatient: TransportSettings,
    status: int,
    where: str,
) -> None:
    lying.behave = on(where, lambda exchange: exchange.answer(status, b"busy"), times=1)
    engine.images.pull(served.name, settings=impatient)
    assert engine.images.exists(served.name)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings, form: str
) -> None:
    after = "1" if form == "seconds" else formatdate(time.time() + 2, usegmt=True)
    refuse = {"Retry-After": after}
    lying.behave = on("/manifests/", lambda exchange: exchange.answer(429, b"", refuse), times=1)
    started = time.monotonic()
    engine.images.pull(served.name, settings=impatient)
    assert 0.9 < time.monotonic() - started < 30


@pytest.mark.usefixtures("nothing_stored")
def test_a_registry_that_stays_busy(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    lying.behave = on("/manifests/", lambda exchange: exchange.answer(429, b""))
    with pytest.raises(RegistryError, match="toomanyrequests"):
        engine.images.pull(served.name, settings=impatient)
    assert len(lying.asked("GET", "/manifests/")) == 3


# --- registries that want credentials for others


def secret_settings(impatient: TransportSettings) -> TransportSettings:
    return impatient.replace(credentials=("me", "secret"))


def wants_basic(exchange: Exchange) -> bool:
    """Ask for a password where none was given."""
    if "authorization" in exchange.headers:
        return False
    return exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="here"'})


def test_a_redirect_to_another_host_gets_no_credentials(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    with LyingRegistry() as other:
        other.blobs = lying.blobs

        def behave(exchange: Exchange) -> bool:
            if "/blobs/" in exchange.path and "authorization" in exchange.headers:
                target = f"http://{other.host}{exchange.path}"
                return exchange.answer(307, b"", {"Location": target})
            return wants_basic(exchange)

        lying.behave = behave
        engine.images.pull(served.name, settings=secret_settings(impatient))
        assert other.requests
        assert not any("authorization" in headers for _, _, headers in other.requests)
    assert all("authorization" in headers for headers in lying.asked("GET", "/blobs/"))


@pytest.mark.usefixtures("nothing_stored")
def test_who_it_redirects_to_cannot_ask_for_them(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    """CVE-2020-15157's kind: a challenge of another host names its own token server."""
    with LyingRegistry() as thief:

        def steal(exchange: Exchange) -> bool:
            realm = f'Bearer realm="http://{thief.host}/token",service="x"'
            return exchange.answer(401, b"", {"WWW-Authenticate": realm})

        thief.behave = steal

        def behave(exchange: Exchange) -> bool:
            if "/blobs/" in exchange.path and "authorization" in exchange.headers:
                target = f"http://{thief.host}{exchange.path}"
                return exchange.answer(307, b"", {"Location": target})
            return wants_basic(exchange)

        lying.behave = behave
        with pytest.raises(Unauthorized):
            engine.images.pull(served.name, settings=secret_settings(impatient))
        assert not any("authorization" in headers for _, _, headers in thief.requests)
        assert not thief.asked("GET", "/token")


def test_redirects_end(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    lying.behave = on(
        "/blobs/", lambda exchange: exchange.answer(307, b"", {"Location": exchange.path})
    )
    with pytest.raises(RegistryError, match="redirects"):
        engine.images.pull(served.name, settings=impatient)


def test_tags_do_not_go_on_at_another_host(
    lying: LyingRegistry, impatient: TransportSettings
) -> None:
    from rundlet.core.transports.docker.transport import DockerTransport

    with LyingRegistry() as other:
        link = f'<http://{other.host}/v2/a/tags/list?last=x>; rel="next"'
        lying.behave = on(
            "/tags/list", lambda exchange: exchange.answer(200, b'{"tags":["1"]}', {"Link": link})
        )
        transport = DockerTransport()
        with pytest.raises(Corrupt, match="another server"):
            transport.tags(transport.parse(f"//{lying.host}/a"), impatient)
        assert not other.requests


# --- what is not there


def test_nobody_listens(engine: Engine, impatient: TransportSettings) -> None:
    from devtools.registry import free_port

    host = f"localhost:{free_port()}"
    with pytest.raises(RegistryError, match=f"{host}.*connection refused"):
        engine.images.pull(f"{host}/a:1", settings=impatient)


def test_no_such_image_and_no_such_blob(
    engine: Engine, served: Any, lying: LyingRegistry, impatient: TransportSettings
) -> None:
    with pytest.raises(NoSuchImage, match="manifest unknown"):
        engine.images.pull(f"{lying.host}/nothing:1", settings=impatient)
    del lying.blobs[served.layers[0]]
    with pytest.raises(NotFound):
        engine.images.pull(served.name, settings=impatient)
    with pytest.raises(RundletError):
        engine.images.get(served.name)
