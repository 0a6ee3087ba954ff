"""Signatures in a registry: attachments and bundles, the extension for simple ones, and what
somebody may put there to do harm.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.lying import Exchange, LyingRegistry
from devtools.registry import Registry
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import Corrupt, NotSupported, RundletError
from rundlet.core.images.manifest import OCI_INDEX, OCI_MANIFEST
from rundlet.core.testing.transport import SampleImage, described
from rundlet.core.transports.docker import referrers
from rundlet.core.transports.docker.transport import DockerTransport
from rundlet.core.trust.lookaside import MOST
from rundlet.core.trust.stored import BUNDLE, SIMPLE_SIGNING, Sigstore, unpacked

DOCKER = DockerTransport()
EMPTY = "application/vnd.oci.empty.v1+json"


@pytest.fixture
def lying() -> Iterator[LyingRegistry]:
    with LyingRegistry() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> TransportSettings:
    """Everybody's sigstore signatures are beside their images, simple ones in a store."""
    directory = tmp_path / "registries.d"
    directory.mkdir()
    (directory / "all.yaml").write_text(
        f"default-docker: {{use-sigstore-attachments: true, lookaside: 'file://{tmp_path}/store'}}"
    )
    return TransportSettings(options={"registries_d": str(directory)}, retries=0)


def write(name: str, image: SampleImage, settings: TransportSettings, *signed: bytes) -> None:
    """Write an image with signatures by the transport alone."""
    with DOCKER.destination(DOCKER.parse(f"//{name}"), settings) as out:
        for each in image.descriptors():
            out.put_blob(each, io.BytesIO(image.blobs[each.digest]))
        out.put_manifest(image.manifest)
        out.put_signatures(signed)
        out.commit()


def read(name: str, settings: TransportSettings) -> list[bytes]:
    with DOCKER.source(DOCKER.parse(f"//{name}"), settings) as source:
        return list(source.signatures())


def test_all_forms(registry: Registry, settings: TransportSettings, tmp_path: Path) -> None:
    name = f"{registry.host}/signatures/{tmp_path.name.lower()}:1"
    image = SampleImage([b"layer"])
    one = Sigstore(SIMPLE_SIGNING, b"one", {"a": "b"}).packed()
    two = Sigstore(SIMPLE_SIGNING, b"two", {"a": "b"}).packed()
    bundle = Sigstore(BUNDLE, b'{"dsseEnvelope":{}}').packed()
    write(name, image, settings, b"\x90simple", one, bundle)
    assert read(name, settings) == [b"\x90simple", one, bundle]
    write(name, image, settings, b"\x90other", two, one)  # those of sigstore are added
    assert read(name, settings) == [b"\x90other", one, two, bundle]
    assert read(name, TransportSettings()) == []
    with pytest.raises(NotSupported, match="Set use-sigstore-attachments"):
        write(name, image, TransportSettings(), one)
    said = tmp_path / "referrers"
    said.mkdir()
    (said / "a.yaml").write_text(
        "default-docker: {use-sigstore-attachments: true, sigstore-attachments-write: both}"
    )
    with pytest.raises(NotSupported, match="sigstore-attachments-write: cosign-tag"):
        write(name, image, TransportSettings(options={"registries_d": str(said)}), one)
    DOCKER.delete(DOCKER.parse(f"//{name}"), settings)
    assert not list((tmp_path / "store").rglob("signature-*"))


class Attacked:
    """An image of a lying registry, and what is put beside it."""

    def __init__(self, lying: LyingRegistry) -> None:
        self.lying = lying
        self.name = f"{lying.host}/app:1"
        self.config = {"mediaType": EMPTY, "digest": lying.blob(b"{}"), "size": 2}
        self.digest = lying.manifest("app", "1", self.document())

    def document(self, *layers: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.config,
            "layers": list(layers),
            **more,
        }

    @property
    def tag(self) -> str:
        return self.digest.replace(":", "-")

    def bundle(self, content: bytes = b"{}", subject: str = "", **more: Any) -> dict[str, Any]:
        """A manifest that refers to the image; its descriptor."""
        layer = {"mediaType": BUNDLE, "digest": self.lying.blob(content), "size": len(content)}
        refers = {"mediaType": OCI_MANIFEST, "digest": subject or self.digest, "size": 2}
        document = self.document({**layer, **more}, subject=refers, artifactType=BUNDLE)
        digest = self.lying.manifest("app", f"bundle-{len(self.lying.manifests)}", document)
        size = len(self.lying.manifests["app", digest][0])
        return {
            "mediaType": OCI_MANIFEST,
            "digest": digest,
            "size": size,
            "artifactType": BUNDLE,
        }

    def refer(self, *entries: dict[str, Any]) -> None:
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)}
        self.lying.manifest("app", self.tag, index)


@pytest.fixture
def attacked(lying: LyingRegistry) -> Attacked:
    return Attacked(lying)


def test_bundles_that_refer_to_others(attacked: Attacked, settings: TransportSettings) -> None:
    good = attacked.bundle(b"good")
    unsaid = {**attacked.bundle(b"unsaid"), "artifactType": EMPTY}  # some tools write this
    other = attacked.bundle(b"other", subject="sha256:" + "1" * 64)
    gone = {**good, "digest": "sha256:" + "2" * 64}
    sbom = {**good, "digest": "sha256:" + "3" * 64, "artifactType": "application/spdx+json"}
    attacked.refer(good, unsaid, other, gone, sbom)
    found = [unpacked(one).payload for one in read(attacked.name, settings)]
    assert found == [b"good", b"unsaid"]


@pytest.mark.parametrize("layer", [{"size": 1 << 40}, {"size": 3}])
def test_a_payload_of_another_size(
    attacked: Attacked, settings: TransportSettings, layer: dict[str, Any]
) -> None:
    attacked.refer(attacked.bundle(b"12345", **layer))
    with pytest.raises(Corrupt):
        read(attacked.name, settings)


def test_too_many_of_them(attacked: Attacked, settings: TransportSettings) -> None:
    layer = {"mediaType": SIMPLE_SIGNING, "digest": attacked.lying.blob(b"x"), "size": 1}
    many = attacked.document(*[layer] * (MOST + 1))
    attacked.lying.manifest("app", f"{attacked.tag}.sig", many)
    with pytest.raises(Corrupt, match="more than 128 signatures"):
        read(attacked.name, settings)
    del attacked.lying.manifests["app", f"{attacked.tag}.sig"]
    entry = attacked.bundle()
    attacked.refer(*[{**entry, "digest": f"sha256:{n:064x}"} for n in range(MOST + 1)])
    with pytest.raises(Corrupt, match="more than 128 bundles"):
        read(attacked.name, settings)


def test_the_whole_is_too_large(attacked: Attacked, settings: TransportSettings) -> None:
    layers = [
        {"mediaType": SIMPLE_SIGNING, "digest": attacked.lying.blob(bytes([n]) * (4 << 20)),
         "size": 4 << 20}
        for n in range(5)
    ]  # fmt: skip
    attacked.lying.manifest("app", f"{attacked.tag}.sig", attacked.document(*layers))
    with pytest.raises(Corrupt, match="is too large"):
        read(attacked.name, settings)


@pytest.mark.parametrize("fresh", [True, False])
def test_referrers_without_an_end(
    attacked: Attacked, settings: TransportSettings, fresh: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages that go on for ever are refused; those that go in circles end where nothing is new."""
    monkeypatch.setattr(referrers, "_MOST_PAGES", 20)
    entry = attacked.bundle(b"one")
    pages = 0

    def behave(exchange: Exchange) -> bool:
        nonlocal pages
        if "/referrers/" not in exchange.path:
            return False
        pages += 1
        digest = f"sha256:{pages:064x}" if fresh else entry["digest"]
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX,
                 "manifests": [{**entry, "digest": digest, "artifactType": "x/y"}] if fresh
                 else [entry]}  # fmt: skip
        link = f'<{exchange.path.partition("?")[0]}?page={pages}>; rel="next"'
        return exchange.answer(200, json.dumps(index).encode(), {"Link": link})

    attacked.lying.behave = behave
    if fresh:
        with pytest.raises(Corrupt, match="do not end"):
            read(attacked.name, settings)
    else:
        assert len(read(attacked.name, settings)) == 1
        assert pages == 2


@pytest.mark.parametrize("status", [400, 405, 501])
def test_registries_that_have_no_referrers(
    attacked: Attacked, settings: TransportSettings, status: int
) -> None:
    attacked.refer(attacked.bundle(b"by a tag"))
    attacked.lying.behave = lambda exchange: (
        "/referrers/" in exchange.path and exchange.answer(status, b"what?")
    )
    assert [unpacked(one).payload for one in read(attacked.name, settings)] == [b"by a tag"]


# --- the extension


class Extension:
    """A registry with X-R-S-S: what it keeps, by digest."""

    def __init__(self) -> None:
        self.kept: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, exchange: Exchange) -> bool:
        if exchange.path == "/v2/":
            return exchange.answer(200, b"{}", {"X-Registry-Supports-Signatures": "1"})
        found = re.fullmatch(r"/extensions/v2/app/signatures/(.*)", exchange.path)
        if found and exchange.method == "GET":
            listed = {"signatures": self.kept.get(found[1], [])}
            return exchange.answer(200, json.dumps(listed).encode())
        if found and exchange.method == "PUT":
            self.kept.setdefault(found[1], []).append(json.loads(exchange.body))
            return exchange.answer(201)
        if exchange.method == "HEAD":
            return exchange.answer(200)
        return exchange.method == "PUT" and exchange.answer(201)


def test_the_extension_for_signatures(
    lying: LyingRegistry, settings: TransportSettings, tmp_path: Path
) -> None:
    image, extension = SampleImage([b"layer"]), Extension()
    lying.behave = extension
    name, digest = f"{lying.host}/app:1", described(image.manifest.data, "").digest
    lying.manifests["app", "1"] = image.manifest.data, OCI_MANIFEST
    for signed in ((b"\x90one",), (b"\x90one", b"\x90two")):
        with DOCKER.destination(DOCKER.parse(f"//{name}"), settings) as out:
            out.put_manifest(image.manifest)
            out.put_signatures(signed)
            out.commit()
    assert read(name, settings) == [b"\x90one", b"\x90two"]
    kept = extension.kept[digest]
    assert [one["type"] for one in kept] == ["atomic", "atomic"]
    assert all(re.fullmatch(f"{digest}@[0-9a-f]{{32}}", one["name"]) for one in kept)
    assert not (tmp_path / "store").exists()
    kept.append({"schemaVersion": 3, "type": "atomic", "name": "x", "content": ""})
    assert len(read(name, settings)) == 2
    kept.append({"schemaVersion": 2, "type": "atomic", "name": "x", "content": "!"})
    with pytest.raises(Corrupt, match="not what they should be"):
        read(name, settings)
    content = base64.b64encode(b"\x90many").decode()
    extension.kept[digest] = [
        {"schemaVersion": 2, "type": "atomic", "name": "x", "content": content}
    ] * (MOST + 1)
    with pytest.raises(RundletError, match="too many"):
        read(name, settings)
