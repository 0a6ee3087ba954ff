"""HTTP as it is spoken here: what is kept, what is bounded, and which proxy is taken."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devtools.certificates import Authority
from devtools.lying import Exchange, LyingRegistry
from devtools.proxy import Proxy
from devtools.registry import Registry
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import RegistryError
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.testing.transport import OCI_MANIFEST, SampleImage, read_all
from rundlet.core.transports.docker.pool import Pool
from rundlet.core.transports.docker.proxies import proxy
from rundlet.core.transports.docker.response import HTTPError
from rundlet.core.transports.docker.transport import DockerTransport

DOCKER = DockerTransport()


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that gives one answer to each request it gets, on one connection, and closes."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening, listening.accept()[0] as connection:
            for answer in answers:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    piece = connection.recv(4096)
                    if not piece:
                        return
                    asked += piece
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/x"
    thread.join(60)


def no_tls() -> None:
    raise AssertionError("nothing here speaks TLS")


def asked(url: str, times: int = 1) -> list[bytes]:
    """The bodies of the answers to some requests."""
    pool = Pool(no_tls)  # type: ignore[arg-type]
    try:
        return [pool.request("GET", url, {}, None, 10.0).read_all(1 << 20) for _ in range(times)]
    finally:
        pool.close()


@pytest.mark.parametrize(
    ("answers", "bodies"),
    [
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"], [b"abc"]),
        ([b"HTTP/1.1 200 OK\r\n\r\nto the end"], [b"to the end"]),
        ([b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"], [b"a"]),
        (
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             b"2;x=y\r\nab\r\n1\r\nc\r\n0\r\nTrailer: 1\r\n\r\n",
             b"\r\nHTTP/1.1 204 No Content\r\n\r\n",
             b"HTTP/1.1 200\nContent-Length: 2\n\nxy"],
            [b"abc", b"", b"xy"],
        ),
    ],
    ids=["length", "closed", "continue", "kept"],
)  # fmt: skip
def test_answers(answers: list[bytes], bodies: list[bytes]) -> None:
    with answering(*answers) as url:
        assert asked(url, len(bodies)) == bodies


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "connection closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "connection closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "contradicts"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "contradicts"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "without a size"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", "longer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na", "connection closed"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, "without end"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * (1 << 18) + b"\r\n\r\n", "too long"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (1 << 15) + b"\r\n", "too long"),
    ],
)
def test_nonsense_is_refused(answer: bytes, said: str) -> None:
    with answering(answer) as url, pytest.raises(HTTPError, match=said):
        asked(url)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
def test_a_byte_at_a_time_times_out(start: bytes) -> None:
    """Somebody who always says something in time, and never comes to an end."""
    ended = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        with listening, listening.accept()[0] as connection:
            try:
                connection.sendall(start)
                while not ended.wait(0.02):
                    connection.sendall(b"X")
            except OSError:
                pass

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/x"
    pool = Pool(no_tls)  # type: ignore[arg-type]
    with pytest.raises(HTTPError) as failure:
        pool.request("GET", url, {}, None, 0.3).read_all(1 << 20)
    assert isinstance(failure.value.cause, TimeoutError)
    ended.set()
    thread.join(10)


def test_connections_are_kept_and_stale_ones_are_not_used(registry: Registry) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
    with answering(whole) as url:
        assert asked(url) == [b"a"]
    pool = Pool(no_tls)  # type: ignore[arg-type]
    taken: set[int] = set()
    for _ in range(3):
        response = pool.request("GET", f"http://{registry.host}/v2/", {}, None, 10.0)
        taken.add(response._connection._socket.fileno())
        response.drain()
    assert len(taken) == 1
    idle = next(iter(pool._idle.values()))
    idle[0]._socket.shutdown(socket.SHUT_RDWR)
    assert pool.request("GET", f"http://{registry.host}/v2/", {}, None, 10.0).status == 200


def test_an_upload_that_is_refused_early_says_why() -> None:
    """A registry answers, and does not read the gigabyte that is on its way."""

    def refuse(exchange: Exchange) -> bool:
        if exchange.method == "POST":
            return exchange.answer(202, b"", {"Location": "/v2/a/blobs/uploads/1"})
        if exchange.method == "PATCH":
            exchange.answer(413, b'{"errors":[{"code":"TOOBIG","message":"too big"}]}')
            return exchange.hang_up()
        return False

    with LyingRegistry() as registry:
        registry.behave = refuse
        with (
            DOCKER.destination(
                DOCKER.parse(f"//{registry.host}/a:1"), TransportSettings(retries=0)
            ) as out,
            pytest.raises(RegistryError),
        ):
            out.put_blob(Descriptor("", -1), io.BytesIO(bytes(64 << 20)))


# --- proxies


@pytest.mark.parametrize(
    ("exceptions", "address", "expected"),
    [
        ("", "registry.test", True),
        ("registry.test", "registry.test:5000", False),
        ("test", "registry.test", False),
        (".test", "registry.test", False),
        ("*.test", "registry.test", False),
        (".registry.test", "registry.test", True),
        ("other.test, registry.test:5000", "registry.test:5000", False),
        ("registry.test:5001", "registry.test:5000", True),
        ("egistry.test", "registry.test", True),
        ("10.0.0.0/8", "10.1.2.3:5000", False),
        ("10.0.0.0/8", "11.1.2.3:5000", True),
        ("fd00::/8", "[fd00::1]:5000", False),
        ("2.3", "10.1.2.3", True),
        ("*", "registry.test", False),
        ("", "localhost:5000", False),
        ("", "127.0.0.9", False),
    ],
)
def test_no_proxy(
    monkeypatch: pytest.MonkeyPatch, exceptions: str, address: str, expected: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.test:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert proxy(address, "https") == ("http://proxy.test:3128" if expected else "")
    assert proxy(address, "http") == ""


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def there_and_back(host: str, settings: TransportSettings) -> None:
    """Push an image and read it again."""
    image = SampleImage([b"one", b"two"], OCI_MANIFEST)
    place = DOCKER.parse(f"//{host}/through/proxy:1")
    with DOCKER.destination(place, settings) as out:
        for each in image.descriptors():
            out.put_blob(each, io.BytesIO(image.blobs[each.digest]))
        out.put_manifest(image.manifest)
        out.commit()
    with DOCKER.source(place, settings) as source:
        assert source.manifest().data == image.manifest.data
        for each in image.descriptors():
            with source.blob(each) as stream:
                assert read_all(stream) == image.blobs[each.digest]


def test_plain_http_by_a_proxy(registry: Registry, clean: pytest.MonkeyPatch) -> None:
    with Proxy(login="user:pass") as forward:
        clean.setenv("HTTP_PROXY", forward.url)
        host = f"registry.test:{registry.port}"
        there_and_back(host, TransportSettings(tls_verify=False, retries=0))
        assert f"PUT {host}" in forward.asked


def test_a_proxy_of_registries_conf(
    registry: Registry, clean: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    host = f"registry.test:{registry.port}"
    clean.setenv("HTTP_PROXY", "http://localhost:1")
    with Proxy() as forward:
        conf = tmp_path / "registries.conf"
        conf.write_text(
            f'[[registry]]\nlocation = "{host}"\ninsecure = true\nproxy = "{forward.url}"\n'
        )
        there_and_back(host, TransportSettings(retries=0, options={"registries_conf": str(conf)}))
        assert f"PUT {host}" in forward.asked


@pytest.mark.parametrize("secured", [False, True], ids=["by http", "by https"])
def test_tls_through_a_proxy(tmp_path: Path, clean: pytest.MonkeyPatch, secured: bool) -> None:
    authority = Authority(tmp_path / "ca")
    mine = authority.issue("proxy") if secured else None
    theirs = authority.issue("registry", "DNS:registry.test")
    certificates = tmp_path / "certs"
    certificates.mkdir()
    (certificates / "ca.crt").write_bytes(authority.certificate.read_bytes())
    with Registry(tmp_path / "registry", tls=theirs) as registry, Proxy(tls=mine) as forward:
        clean.setenv("https_proxy", forward.url)
        host = f"registry.test:{registry.port}"
        there_and_back(host, TransportSettings(cert_dir=certificates))
        assert set(forward.asked) == {f"CONNECT {host}"}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (lambda proxy: proxy.url.replace("user:", "user:not"), "407"),
        (lambda proxy: "socks5://127.0.0.1:1", "no HTTP or HTTPS proxy"),
    ],
    ids=["login", "scheme"],
)
def test_a_proxy_that_does_not_help(
    clean: pytest.MonkeyPatch, url: Callable[[Proxy], str], said: str
) -> None:
    with Proxy(login="user:pass") as forward:
        clean.setenv("HTTPS_PROXY", url(forward))
        with pytest.raises(RegistryError, match=said):
            DOCKER.source(
                DOCKER.parse("//registry.test/a:1"), TransportSettings(retries=0)
            ).manifest()
