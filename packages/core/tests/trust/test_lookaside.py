"""Lookaside stores: where registries.d says they are, what is read there, what is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rundlet.core.errors import Corrupt, NotSupported, RegistryError, RundletError, SettingsError
from rundlet.core.images.reference import parse
from rundlet.core.transports.docker.transport import DockerTransport
from rundlet.core.trust import lookaside, registries_d, simple
from rundlet.core.trust.registries_d import Stores

NAME = parse("example.com/team/app:1")
DIGEST = "sha256:" + "ab" * 32
PLACE = "team/app@sha256=" + "ab" * 32


def stores(directory: Path, name: str) -> Stores:
    return registries_d.load(str(directory)).stores(DockerTransport().parse(f"//{name}"))


def test_the_most_specific_namespace_counts(tmp_path: Path) -> None:
    (tmp_path / "default.yaml").write_text(
        "default-docker:\n  lookaside: file:///d\n  sigstore-staging: file:///staged\n"
    )
    (tmp_path / "one.yaml").write_text(
        "docker:\n"
        "  example.com: {sigstore: 'https://sigs.example.com/', use-sigstore-attachments: true}\n"
        "  example.com/team/app: {lookaside-staging: 'file:///w'}\n"
        "  example.com/team/app:1: {use-sigstore-attachments: false}\n"
        "  '*.internal': {lookaside: 'file:///i'}\n"
        "  empty.com:\n"
    )
    (tmp_path / "ignored.txt").write_text("not: [yaml")
    of = "https://sigs.example.com/"
    assert stores(tmp_path, "example.com/team/app:1") == Stores(of, "file:///w", False)
    assert stores(tmp_path, "example.com/team/app:2") == Stores(of, "file:///w", True)
    assert stores(tmp_path, "example.com/other") == Stores(of, of, True)
    assert stores(tmp_path, "a.b.internal/x") == Stores("file:///i", "file:///i", False)
    assert stores(tmp_path, "empty.com/x") == Stores("file:///d", "file:///staged", False)
    assert stores(tmp_path / "nowhere", "example.com/x") == Stores()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("docker: [", "is not YAML"),
        ("- a", "expected default-docker and docker"),
        ("docker: {a.com: 3}", "docker: a.com: expected lookaside"),
        ("docker: {a.com: {lookaside: 3}}", "lookaside: expected a URL"),
        ("default-docker: {use-sigstore-attachments: maybe}", "expected true or false"),
        (
            "default-docker: {sigstore-attachments-write: tag}",
            "expected cosign-tag, referrers or both",
        ),
        ("docker: {b.com: {}}", "docker b.com is said in"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.yaml").write_text("docker: {b.com: {}}")
    (tmp_path / "b.yaml").write_text(text)
    with pytest.raises(SettingsError, match=said) as raised:
        registries_d.load(str(tmp_path))
    assert "b.yaml" in raised.value.message


def test_files(tmp_path: Path) -> None:
    base = f"file://{tmp_path}/with%20space"
    assert lookaside.read(base, NAME, DIGEST) == []
    lookaside.write(base, NAME, DIGEST, [b"one", b"two", b"three"])
    assert lookaside.read(base, NAME, DIGEST) == [b"one", b"two", b"three"]
    lookaside.write(base, NAME, DIGEST, [b"four"])
    assert lookaside.read(base, NAME, DIGEST) == [b"four"]
    directory = tmp_path / "with space" / PLACE
    assert [file.name for file in directory.iterdir()] == ["signature-1"]
    lookaside.remove(base, NAME, DIGEST)
    assert not directory.exists()
    lookaside.remove(base, NAME, DIGEST)


def test_what_is_no_store() -> None:
    for base in ("ftp://x/y", "file://host/y", "/plain/path"):
        with pytest.raises(RundletError, match="expected file:///PATH"):
            lookaside.read(base, NAME, DIGEST)
    with pytest.raises(NotSupported, match="cannot be written"):
        lookaside.write("https://x/y", NAME, DIGEST, [b"one"])


class _Handler(BaseHTTPRequestHandler):
    """Gives what `server.files` has below /PLACE; a number is a status."""

    def do_GET(self) -> None:
        name = self.path.removeprefix(f"/{PLACE}/signature-")
        found = self.server.answer(int(name))  # type: ignore[attr-defined]
        self.send_response(found if isinstance(found, int) else 200)
        body = b"" if isinstance(found, int) else found
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_server(server: ThreadingHTTPServer) -> None:
    base = f"http://127.0.0.1:{server.server_port}"
    server.answer = lambda n: b"sig-%d" % n if n < 3 else 404  # type: ignore[attr-defined]
    assert lookaside.read(base, NAME, DIGEST) == [b"sig-1", b"sig-2"]
    server.answer = lambda n: 500  # type: ignore[attr-defined]
    with pytest.raises(RegistryError, match="status 500"):
        lookaside.read(base, NAME, DIGEST)


def test_a_server_that_never_ends(server: ThreadingHTTPServer) -> None:
    base = f"http://127.0.0.1:{server.server_port}"
    server.answer = lambda n: b"again"  # type: ignore[attr-defined]
    with pytest.raises(Corrupt, match="more signatures than are read"):
        lookaside.read(base, NAME, DIGEST)
    server.answer = lambda n: bytes(simple.LARGEST + 1)  # type: ignore[attr-defined]
    with pytest.raises(Corrupt, match="larger than"):
        lookaside.read(base, NAME, DIGEST)
