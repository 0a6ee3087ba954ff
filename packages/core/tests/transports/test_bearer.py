"""Bearer tokens: asked for by scope, kept, renewed when refused (distribution, "Token
Authentication"; RFC 6750).
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from devtools.lying import Exchange, LyingRegistry
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import RegistryError, Unauthorized
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.testing.transport import OCI_MANIFEST, SampleImage
from rundlet.core.transports.docker.auth import Authenticator, parse
from rundlet.core.transports.docker.credentials import Credentials
from rundlet.core.transports.docker.transport import DockerTransport

DOCKER = DockerTransport()


class Guard:
    """Lets in who has a token for what is done; hands them out. asked: scopes, as they came."""

    def __init__(self, registry: LyingRegistry) -> None:
        self.registry = registry
        self.asked: list[list[str]] = []
        self.logins: list[str] = []
        self.status = 200
        self.key = "token"
        self.stale: set[str] = set()
        registry.behave = self

    def __call__(self, exchange: Exchange) -> bool:
        parts = urlsplit(exchange.path)
        if parts.path == "/token":
            return self._token(exchange, parse_qs(parts.query or exchange.body.decode()))
        token = exchange.headers.get("authorization", "").removeprefix("Bearer ")
        scope = json.loads(base64.b64decode(token)) if token else None
        path = parts.path.removeprefix("/v2/").rpartition("/blobs")[0] or "team/tool"
        action = "pull" if exchange.method in ("GET", "HEAD") else "push"
        fits = scope is not None and any(
            item.split(":")[1] == path and action in item.split(":")[2] for item in scope
        )
        if (parts.path == "/v2/" and scope is not None) or (fits and token not in self.stale):
            return self._upload(exchange)
        realm = f'Bearer realm="http://{self.registry.host}/token",service="registry"'
        return exchange.answer(401, b"{}", {"WWW-Authenticate": realm})

    def _upload(self, exchange: Exchange) -> bool:
        if exchange.method in ("GET", "HEAD"):
            return False
        status = 201 if exchange.method == "PUT" else 202
        return exchange.answer(status, b"", {"Location": "/v2/team/tool/blobs/uploads/1"})

    def _token(self, exchange: Exchange, query: dict[str, list[str]]) -> bool:
        assert query["service"] == ["registry"]
        scopes = query.get("scope", [])
        self.asked.append(scopes)
        self.logins.append(
            query.get("refresh_token", [exchange.headers.get("authorization", "")])[0]
        )
        if self.status != 200:
            return exchange.answer(self.status, b"{}")
        number = len(self.asked)
        token = base64.b64encode(json.dumps([*scopes, f"n:{number}:n"]).encode()).decode()
        answer: dict[str, Any] = {self.key: token, "expires_in": 300}
        return exchange.answer(200, json.dumps(answer).encode())


@pytest.fixture
def guard() -> Iterator[Guard]:
    with LyingRegistry() as registry:
        image = SampleImage([b"one", b"two"], OCI_MANIFEST)
        for blob in image.blobs.values():
            registry.blob(blob)
        registry.manifest("team/tool", "1", json.loads(image.manifest.data))
        yield Guard(registry)


def settings(tmp_path: Path, **changes: Any) -> TransportSettings:
    auth = tmp_path / "auth.json"
    if not auth.exists():
        auth.write_text("{}")
    return TransportSettings(auth_file=auth, retries=1, retry_delay=0.01, **changes)


@pytest.mark.parametrize("key", ["token", "access_token"])
def test_one_token_for_all_of_a_pull(guard: Guard, tmp_path: Path, key: str) -> None:
    guard.key = key
    place = DOCKER.parse(f"//{guard.registry.host}/team/tool:1")
    with DOCKER.source(place, settings(tmp_path, credentials=("me", "secret"))) as source:
        source.manifest()
        for digest, data in guard.registry.blobs.items():
            with source.blob(Descriptor(digest, len(data))) as stream:
                assert stream.read(len(data))
    assert guard.asked == [["repository:team/tool:pull"]]
    assert guard.logins == ["Basic " + base64.b64encode(b"me:secret").decode()]


def test_a_push_asks_for_more(guard: Guard, tmp_path: Path) -> None:
    place = DOCKER.parse(f"//{guard.registry.host}/team/tool:2")
    with DOCKER.destination(place, settings(tmp_path)) as out:
        out.put_blob(Descriptor("", -1), io.BytesIO(b"content"))
    assert guard.asked == [["repository:team/tool:pull,push"]]
    assert guard.logins == [""]  # nobody's


def test_a_token_that_is_refused_is_renewed_once(guard: Guard, tmp_path: Path) -> None:
    place = DOCKER.parse(f"//{guard.registry.host}/team/tool:1")
    digest, data = next(iter(guard.registry.blobs.items()))
    blob = Descriptor(digest, len(data))
    with DOCKER.source(place, settings(tmp_path)) as source:
        source.blob(blob).close()
        sent = guard.registry.asked("GET", "blobs")[-1]["authorization"]
        guard.stale.add(sent.removeprefix("Bearer "))
        source.blob(blob).close()
        assert len(guard.asked) == 2
        guard.stale = Everything()
        with pytest.raises(Unauthorized):
            source.blob(blob)
        assert len(guard.asked) == 3


class Everything(set[str]):
    def __contains__(self, _item: object) -> bool:
        return True


def test_an_identity_token(guard: Guard, tmp_path: Path) -> None:
    """docker login keeps one where a registry gives it: it is sent by POST."""
    entry = {"auth": base64.b64encode(b"<token>:").decode(), "identitytoken": "refresh-me"}
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {guard.registry.host: entry}}))
    place = DOCKER.parse(f"//{guard.registry.host}/team/tool:1")
    with DOCKER.source(place, settings(tmp_path)) as source:
        source.manifest()
    assert guard.logins == ["refresh-me"]
    given = settings(tmp_path).replace(credentials=("<token>", "mine"))
    with DOCKER.source(place, given) as source:
        source.manifest()
    assert guard.logins == ["refresh-me", "mine"]


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [(401, Unauthorized, "denied"), (500, RegistryError, "answered 500")],
)
def test_a_token_server_that_refuses(
    guard: Guard, tmp_path: Path, status: int, error: type[Exception], said: str
) -> None:
    guard.status = status
    place = DOCKER.parse(f"//{guard.registry.host}/team/tool:1")
    with (
        DOCKER.source(place, settings(tmp_path)) as source,
        pytest.raises(error, match=said),
    ):
        source.manifest()


def test_a_given_token_is_sent_as_it_is(guard: Guard, tmp_path: Path) -> None:
    token = base64.b64encode(b'["repository:team/tool:pull"]').decode()
    place = DOCKER.parse(f"//{guard.registry.host}/team/tool:1")
    with DOCKER.source(place, settings(tmp_path, bearer_token=token)) as source:
        source.manifest()
    assert guard.asked == []


@pytest.mark.parametrize(
    ("header", "scheme"),
    [
        ('Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"', "bearer"),
        ('Basic realm="x", Bearer realm="https://a/t"', "bearer"),
        ('Negotiate, Basic realm="a, b"', "basic"),
        ("Negotiate", ""),
        ("", ""),
    ],
)
def test_challenges(header: str, scheme: str) -> None:
    found = parse(header)
    assert (found.scheme if found else "") == scheme


@pytest.mark.parametrize("realm", ["http://token.example.com/t", "ftp://a/t", ""])
def test_credentials_do_not_go_in_the_clear(realm: str) -> None:
    def asked(*_: object) -> tuple[int, bytes]:
        raise AssertionError("asked")

    authenticator = Authenticator("registry.example.com", Credentials("me", "secret"), asked)
    authenticator.challenged(f'Bearer realm="{realm}"', "repository:a:pull")
    with pytest.raises(RegistryError, match="refusing to send credentials"):
        authenticator.header("repository:a:pull")
