"""The distribution specification's requests: uploads, mounts, tags, referrers, deletion."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.lying import Exchange, LyingRegistry
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.content.locations import KnownLocations
from rundlet.core.contracts.transport import ManifestBytes, TransportSettings
from rundlet.core.errors import NoSuchImage, NotFound, RegistryError
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.settings.snapshot import Settings
from rundlet.core.testing.transport import OCI_MANIFEST, SampleImage, described, read_all
from rundlet.core.transports.docker.transport import DockerTransport

DOCKER = DockerTransport()
EMPTY = "application/vnd.oci.empty.v1+json"


@pytest.fixture
def repository(registry: Registry, tmp_path: Path) -> str:
    """A name of the test's own."""
    return f"{registry.host}/protocol/{tmp_path.name.lower()}"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    settings = Settings(graph_root=f"{tmp_path}/graph", run_root=f"{tmp_path}/run")
    with Engine(settings) as made:
        yield made


def push(name: str, image: SampleImage, settings: TransportSettings | None = None) -> str:
    """Write an image by the transport alone; the digest of its manifest."""
    with DOCKER.destination(DOCKER.parse(f"//{name}"), settings or TransportSettings()) as out:
        for each in image.descriptors():
            if not out.has_blob(each):
                out.put_blob(each, io.BytesIO(image.blobs[each.digest]))
        out.put_manifest(image.manifest)
        out.commit()
    return described(image.manifest.data, "").digest


# --- uploads


class Uploads:
    """The upload requests of a registry, for a `LyingRegistry`; counts them."""

    def __init__(self, registry: LyingRegistry) -> None:
        self._registry = registry
        self.received = b""
        self.done: list[str] = []
        self.fail: dict[int, str] = {}
        self._patches = 0

    def __call__(self, exchange: Exchange) -> bool:
        session = {"Location": "/v2/a/blobs/uploads/1?state=x", "Docker-Upload-UUID": "1"}
        self.done.append(exchange.method)
        match exchange.method:
            case "HEAD":
                return exchange.answer(404)
            case "POST":
                return exchange.answer(202, b"", session)
            case "PATCH":
                return self._patch(exchange, session)
            case "GET" if "uploads" in exchange.path:
                last = max(len(self.received) - 1, 0)
                return exchange.answer(204, b"", {**session, "Range": f"0-{last}"})
            case "PUT" if "uploads" in exchange.path:
                self.received += exchange.body
                self._registry.blob(self.received)
                return exchange.answer(201)
        return False

    def _patch(self, exchange: Exchange, session: dict[str, str]) -> bool:
        self._patches += 1
        failure = self.fail.get(self._patches, "")
        start = int(exchange.headers["content-range"].partition("-")[0])
        if start != len(self.received):
            return exchange.answer(416, b"", session)
        if failure == "half":
            self.received += exchange.body[: len(exchange.body) // 2]
            return exchange.hang_up()
        if failure == "lost":
            self.received = b""
            return exchange.hang_up()
        if failure == "busy":
            return exchange.answer(503)
        self.received += exchange.body
        if failure == "late":  # it has all, but its answer is lost
            return exchange.hang_up()
        return exchange.answer(202, b"", session)


@pytest.mark.parametrize("chunk", [0, 1 << 20, 3_000_001, 1 << 30])
def test_uploads_of_a_real_registry(repository: str, chunk: int) -> None:
    image = SampleImage([os.urandom(5 << 20), b"small"])
    settings = TransportSettings(options={"upload_chunk": chunk})
    push(f"{repository}:1", image, settings)
    with DOCKER.source(DOCKER.parse(f"//{repository}:1"), TransportSettings()) as source:
        for each in image.descriptors():
            assert read_all(source.blob(each)) == image.blobs[each.digest]


@pytest.mark.parametrize("failure", ["half", "late", "busy"])
def test_a_piece_is_sent_again_from_where_it_broke(failure: str) -> None:
    content = os.urandom(4 << 20)
    with LyingRegistry() as registry:
        uploads = Uploads(registry)
        uploads.fail = {2: failure}
        registry.behave = uploads
        settings = TransportSettings(retry_delay=0.01, options={"upload_chunk": 1 << 20})
        with DOCKER.destination(DOCKER.parse(f"//{registry.host}/a:1"), settings) as out:
            found = out.put_blob(Descriptor("", -1), io.BytesIO(content))
        assert registry.blobs == {found.digest: content}
    assert uploads.done.count("POST") == 1
    assert uploads.done.count("PATCH") == (4 if failure == "late" else 5)


def test_an_upload_that_the_registry_lost() -> None:
    with LyingRegistry() as registry:
        uploads = Uploads(registry)
        uploads.fail = {2: "lost"}
        registry.behave = uploads
        settings = TransportSettings(retry_delay=0.01, options={"upload_chunk": 1 << 20})
        with (
            DOCKER.destination(DOCKER.parse(f"//{registry.host}/a:1"), settings) as out,
            pytest.raises(RegistryError, match="lost 1048576 bytes"),
        ):
            out.put_blob(Descriptor("", -1), io.BytesIO(bytes(4 << 20)))
    assert uploads.done[-1] == "DELETE"


def test_an_upload_goes_to_another_host_without_credentials() -> None:
    content = os.urandom(2 << 20)
    with LyingRegistry() as registry, LyingRegistry() as storage:
        storage.behave = Uploads(storage)

        def behave(exchange: Exchange) -> bool:
            if "authorization" not in exchange.headers:
                return exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
            if exchange.method == "POST":
                where = f"http://{storage.host}/v2/a/blobs/uploads/1"
                return exchange.answer(202, b"", {"Location": where})
            return False

        registry.behave = behave
        settings = TransportSettings(credentials=("me", "secret"))
        with DOCKER.destination(DOCKER.parse(f"//{registry.host}/a:1"), settings) as out:
            out.put_blob(described(content, ""), io.BytesIO(content))
        assert storage.blobs
        assert not any("authorization" in headers for _, _, headers in storage.requests)


# --- mounts


def test_blobs_are_mounted_from_where_they_are_known_to_be(
    engine: Engine, registry: Registry, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was pulled from one repository is pushed to another without sending a byte."""
    image = SampleImage([os.urandom(100_000)])
    push(f"{repository}/one:1", image)
    engine.images.pull(f"{repository}/one:1")
    from rundlet.core.transports.docker.upload import Upload

    sent: list[Descriptor] = []
    send = Upload.send

    def watched(self: Upload, descriptor: Descriptor, checked: Any) -> Descriptor:
        sent.append(descriptor)
        return send(self, descriptor, checked)

    monkeypatch.setattr(Upload, "send", watched)
    engine.images.push(f"{repository}/one:1", f"{repository}/two:1")
    assert not [each for each in sent if each.digest == image.layers[0].digest]
    # And from there to a third one, of which only the push is known.
    known = KnownLocations(engine)
    assert f"{repository}/two" in known.of(sent[0].digest, registry.host)


def test_a_location_that_is_out_of_date_is_forgotten(
    engine: Engine, registry: Registry, repository: str
) -> None:
    image = SampleImage([b"content"])
    known = KnownLocations(engine)
    known.note(f"{repository}/gone", [image.layers[0].digest])
    known.note("elsewhere.example/x", [image.layers[0].digest])
    push(f"{repository}/here:1", image, TransportSettings(options={"blob_locations": known}))
    assert known.of(image.layers[0].digest, registry.host) == (f"{repository}/here",)
    assert known.of(image.layers[0].digest, "elsewhere.example") == ("elsewhere.example/x",)


def test_only_the_newest_locations_are_kept(engine: Engine) -> None:
    known = KnownLocations(engine)
    for number in range(20):
        known.note(f"host.example/{number}", ["sha256:x"])
    assert known.of("sha256:x", "host.example") == tuple(
        f"host.example/{number}" for number in range(19, 11, -1)
    )


# --- tags


def test_tags_come_page_by_page() -> None:
    with LyingRegistry() as registry:

        def behave(exchange: Exchange) -> bool:
            found = re.match(r"/v2/a/tags/list(?:\?last=(\d+)&n=10)?$", exchange.path)
            if not found:
                return False
            start = int(found[1] or -1) + 1
            page = [str(number) for number in range(start, min(start + 10, 95))]
            link = f'</v2/a/tags/list?last={start + 9}&n=10>; rel="next"'
            more = {"Link": link} if start + 10 < 95 else {}
            return exchange.answer(200, json.dumps({"tags": page}).encode(), more)

        registry.behave = behave
        tags = DOCKER.tags(DOCKER.parse(f"//{registry.host}/a"), TransportSettings())
    assert tags == [str(number) for number in range(95)]


def test_pages_that_go_round_end() -> None:
    with LyingRegistry() as registry:
        link = {"Link": '</v2/a/tags/list?last=1>; rel="next"'}
        registry.behave = lambda exchange: (
            "/tags/" in exchange.path and exchange.answer(200, b'{"tags":["1"]}', link)
        )
        assert DOCKER.tags(DOCKER.parse(f"//{registry.host}/a"), TransportSettings()) == ["1"]
        assert len(registry.asked("GET", "/tags/")) == 2


def test_tags_of_a_real_registry(repository: str) -> None:
    image = SampleImage([b"x"])
    for tag in ("b", "a", "c"):
        push(f"{repository}:{tag}", image)
    found = DOCKER.tags(DOCKER.parse(f"//{repository}"), TransportSettings())
    assert sorted(found) == ["a", "b", "c"]
    with pytest.raises(NotFound):
        DOCKER.tags(DOCKER.parse(f"//{repository}/none"), TransportSettings())


# --- deletion


def test_siblings_and_deletion(repository: str) -> None:
    """Deleting is by digest: all tags of the manifest go. `siblings` says which."""
    settings = TransportSettings()
    for tag in ("a", "b"):
        push(f"{repository}:{tag}", SampleImage([b"same"]))
    push(f"{repository}:c", SampleImage([b"other"]))
    location = DOCKER.parse(f"//{repository}:a")
    assert DOCKER.siblings(location, settings) == ["b"]
    assert DOCKER.siblings(DOCKER.parse(f"//{repository}:c"), settings) == []
    DOCKER.delete(location, settings)
    assert DOCKER.tags(location, settings) == ["c"]
    for act in (DOCKER.delete, DOCKER.siblings):
        with pytest.raises(NoSuchImage):
            act(location, settings)


# --- referrers


def artifact(subject: Descriptor, kind: str, text: str = "") -> SampleImage:
    """Something that refers to a manifest: no layers, the empty config."""
    image = SampleImage([])
    image.config = described(b"{}", EMPTY)
    image.blobs = {image.config.digest: b"{}"}
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": EMPTY, "digest": image.config.digest, "size": 2},
        "layers": [],
        "subject": {
            "mediaType": OCI_MANIFEST, "digest": subject.digest, "size": subject.size
        },
        "annotations": {"text": text},
    }  # fmt: skip
    image.manifest = ManifestBytes(json.dumps(document).encode(), OCI_MANIFEST)
    return image


def listed(name: str, digest: str, kind: str = "") -> list[tuple[str, str]]:
    with DOCKER.source(DOCKER.parse(f"//{name}"), TransportSettings()) as source:
        found = source.referrers(digest, kind)
    return sorted((each.artifact_type, each.annotations.get("text", "")) for each in found)


def test_referrers_where_the_registry_has_no_such_interface(repository: str) -> None:
    """Debian's does not: the index under the fallback tag is kept by us."""
    image = SampleImage([b"x"])
    digest = push(f"{repository}:1", image)
    subject = described(image.manifest.data, OCI_MANIFEST)
    assert listed(f"{repository}:1", digest) == []
    for kind, text in (("a/signature", "1"), ("a/sbom", "2"), ("a/signature", "3")):
        push(f"{repository}@{described(artifact(subject, kind, text).manifest.data, '').digest}",
             artifact(subject, kind, text))  # fmt: skip
    expected = [("a/sbom", "2"), ("a/signature", "1"), ("a/signature", "3")]
    assert listed(f"{repository}:1", digest) == expected
    assert listed(f"{repository}:1", digest, "a/sbom") == [("a/sbom", "2")]
    assert f"sha256-{digest[7:]}" in DOCKER.tags(
        DOCKER.parse(f"//{repository}"), TransportSettings()
    )


def test_referrers_of_a_registry_that_has_it() -> None:
    """Two pages; the filter is left to us."""
    subject = "sha256:" + "1" * 64
    entries = [
        {
            "mediaType": OCI_MANIFEST,
            "digest": "sha256:" + digit * 64,
            "size": 1,
            "artifactType": kind,
            "annotations": {"text": digit},
        }
        for digit, kind in (("a", "x/y"), ("b", "x/z"), ("c", "x/y"))
    ]
    with LyingRegistry() as registry:

        def behave(exchange: Exchange) -> bool:
            if "/referrers/" not in exchange.path:
                return False
            first = "last=" not in exchange.path
            page = {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": entries[:2] if first else entries[2:],
            }
            link = {"Link": f'</v2/a/referrers/{subject}?last=b>; rel="next"'} if first else {}
            return exchange.answer(200, json.dumps(page).encode(), link)

        registry.behave = behave
        name = f"{registry.host}/a:1"
        assert listed(name, subject) == [("x/y", "a"), ("x/y", "c"), ("x/z", "b")]
        assert listed(name, subject, "x/y") == [("x/y", "a"), ("x/y", "c")]
        assert "artifactType=x%2Fy" in registry.requests[-2][1]


def test_a_registry_that_keeps_referrers_gets_no_fallback_tag() -> None:
    with LyingRegistry() as registry:
        registry.behave = lambda exchange: (
            exchange.method in ("PUT", "HEAD")
            and exchange.answer(201 if exchange.method == "PUT" else 200, b"", {"OCI-Subject": "x"})
        )
        push(f"{registry.host}/a:1", artifact(described(b"x", OCI_MANIFEST), "x/y"))
        assert [path for method, path, _ in registry.requests if method == "PUT"] == [
            "/v2/a/manifests/1"
        ]


# --- with others


def test_skopeo_reads_what_was_pushed_in_pieces(
    engine: Engine, repository: str, tmp_path: Path
) -> None:
    from devtools.fixtures import needs

    needs("skopeo")
    image = SampleImage([os.urandom(3 << 20), b"two"])
    push(f"{repository}:1", image, TransportSettings(options={"upload_chunk": 1 << 20}))
    subprocess.run(
        ["skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false",
         f"docker://{repository}:1", f"dir:{tmp_path}/out"],
        check=True,
    )  # fmt: skip
    assert (tmp_path / "out" / image.layers[0].digest[7:]).stat().st_size == image.layers[0].size
