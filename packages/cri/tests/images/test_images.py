"""The ImageService over a real socket, pulling from a real registry."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from devtools.lying import Exchange, LyingRegistry
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.images import encryption
from rundlet.core.settings.snapshot import Settings
from rundlet.core.transports.docker.credentials import TOKEN_USER
from rundlet.core.trust.sigstore import keys as generated
from rundlet.cri.config.model import defaults
from rundlet.cri.images import pull, work
from rundlet.cri.proto import api_pb2 as cri


def named(name: str) -> cri.ImageSpec:
    return cri.ImageSpec(image=name)


@pytest.mark.e2e
def test_pull_status_list_and_remove(server: Any, client: Any, registry: Registry) -> None:
    name = f"{registry.host}/busybox:latest"
    assert not client.image_status(image=named(name)).HasField("image")
    reference = client.pull_image(image=named(name)).image_ref
    assert reference.startswith("sha256:")
    answer = client.image_status(image=named(name), verbose=True)
    image = answer.image
    assert json.loads(answer.info["info"])["imageSpec"]["os"] == "linux"
    assert not client.image_status(image=named(name)).info
    assert image.id == reference
    assert list(image.repo_tags) == [name]
    assert image.repo_digests[0].startswith(f"{registry.host}/busybox@sha256:")
    assert image.size > 0
    assert (image.spec.image, image.pinned) == (reference, False)
    assert client.image_status(image=named(reference)).image == image
    assert list(client.list_images().images) == [image]
    assert [list(part.images) for part in client.stream_images()] == [[image]]
    assert not client.list_images(filter=cri.ImageFilter(image=named("no/such"))).images
    wanted = {"filter": cri.ImageFilter(image=named(name))}
    assert list(client.list_images(**wanted).images) == [image]
    assert [list(part.images) for part in client.stream_images(**wanted)] == [[image]]
    usage = client.image_fs_info()
    for filesystems in (usage.image_filesystems, usage.container_filesystems):
        (one,) = filesystems
        assert one.used_bytes.value > image.size
        assert one.inodes_used.value > 1
        assert one.fs_id.mountpoint == str(server.root)
        assert time.time_ns() - 60 * 10**9 < one.timestamp < time.time_ns()
    client.remove_image(image=named(name))
    client.remove_image(image=named(name))  # idempotent
    assert not client.list_images().images


def test_an_image_store_is_a_file_system_of_its_own(tmp_path: Path) -> None:
    root, store = str(tmp_path / "root"), str(tmp_path / "store")
    made = Settings(graph_root=root, run_root=str(tmp_path / "run"), image_store=store)
    with Engine(made) as engine:
        engine.blobs.put_bytes(b"blob")
        told = work.usage(engine)
    (images,), (containers,) = told.image_filesystems, told.container_filesystems
    assert (images.fs_id.mountpoint, images.used_bytes.value) == (store, 4)
    assert (containers.fs_id.mountpoint, containers.used_bytes.value) == (root, 0)


@pytest.mark.e2e
def test_a_tag_is_taken_away_and_the_id_takes_all(client: Any, registry: Registry) -> None:
    one, other = f"{registry.host}/busybox:latest", f"{registry.host}/multi:latest"
    reference = client.pull_image(image=named(one)).image_ref
    assert client.pull_image(image=named(other)).image_ref == reference
    client.remove_image(image=named(one))
    (left,) = client.list_images().images
    assert list(left.repo_tags) == [other]
    client.pull_image(image=named(one))
    client.remove_image(image=named(reference))
    assert not client.list_images().images


@pytest.mark.e2e
def test_an_image_of_an_additional_store_is_used_and_stays_whole(
    server: Any, make_kubelet: Any, registry: Registry, tmp_path: Path
) -> None:
    """Its names, too: a removal by id takes them from our own images one by one."""
    other = tmp_path / "other"
    one, two = f"{registry.host}/busybox:latest", f"{registry.host}/multi:latest"
    with Engine(root=str(other), runroot=str(tmp_path / "other-run")) as engine:
        for name in (one, two):
            engine.images.pull(name)
    server.crio.write_text(f'[crio]\nstorage_option = ["overlay.additionalimagestore={other}"]\n')
    client = server.start()
    (image,) = client.list_images().images
    assert image.pinned, "kubelet need not try"
    for name in (image.id, one):
        with pytest.raises(grpc.RpcError, match="additional image store") as caught:
            client.remove_image(image=named(name))
        assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    (image,) = client.list_images().images
    assert sorted(image.repo_tags) == sorted((one, two))
    server.stop()
    kubelet = make_kubelet()
    assert kubelet.output(kubelet.pod(), "echo", "from there") == "from there"


@pytest.mark.e2e
def test_what_cannot_be_pulled(client: Any, registry: Registry) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.pull_image(image=named(f"{registry.host}/nothing:here"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert "nothing" in caught.value.details()
    with pytest.raises(grpc.RpcError) as caught:
        client.pull_image(image=named(""))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as caught:
        client.pull_image(image=named("a/b"), auth=cri.AuthConfig(auth="%"))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.e2e
def test_what_the_policy_refuses(server: Any, registry: Registry, tmp_path: Path) -> None:
    """kubelet knows it by its first word, which it reads where the status is UNKNOWN."""
    keys = tmp_path / "key.pub"
    keys.write_bytes(generated.pem(generated.generate().public_key()))
    needed = [{"type": "sigstoreSigned", "keyPath": str(keys)}]
    transports = {"docker": {f"{registry.host}/busybox": needed}}
    policy = {"default": [{"type": "reject"}], "transports": transports}
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    server.environment["RUNDLET_POLICY_JSON"] = f"{tmp_path}/policy.json"
    client = server.start()
    for name, said in (("busybox", "no signature exists"), ("multi", "rejected by policy")):
        with pytest.raises(grpc.RpcError) as caught:
            client.pull_image(image=named(f"{registry.host}/{name}:latest"))
        assert caught.value.code() == grpc.StatusCode.UNKNOWN
        details = caught.value.details()
        assert details.startswith("SignatureValidationFailed: ") and said in details
    assert not client.list_images().images


def tiny(registry: LyingRegistry, size: int = 3000, **more: Any) -> str:
    """An image with one layer of noise that is no tar's end; its name. more: of the manifest."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        entry = tarfile.TarInfo("noise")
        entry.size = size
        tar.addfile(entry, io.BytesIO(os.urandom(size)))
    layer = data.getvalue()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {
                "type": "layers",
                "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()],
            },
        }
    ).encode()
    kind = "application/vnd.oci.image"
    descriptors = [
        {"mediaType": media, "digest": registry.blob(content), "size": len(content)}
        for media, content in (
            (f"{kind}.config.v1+json", config),
            (f"{kind}.layer.v1.tar", layer),
        )
    ]
    document = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": descriptors[0],
        "layers": descriptors[1:],
        **more,
    }
    registry.manifest("slow", "latest", document)
    registry.layer = descriptors[1]["digest"]  # type: ignore[attr-defined]
    return f"{registry.host}/slow:latest"


@pytest.mark.e2e
def test_an_image_shows_the_annotations_of_its_manifest(server: Any, client: Any) -> None:
    """Also one whose manifest is gone since is still seen by kubelet."""
    with LyingRegistry() as registry:
        name = tiny(registry, annotations={"org.example.part": "1"})
        client.pull_image(image=named(name))
    image = client.image_status(image=named(name)).image
    assert dict(image.spec.annotations) == {"org.example.part": "1"}
    assert list(client.list_images().images) == [image]
    with sqlite3.connect(server.root / "state.db") as database:
        ((digest,),) = database.execute("SELECT manifest FROM images")
    (server.root / "blobs" / digest.replace(":", "/")).unlink()
    server.stop()
    (left,) = server.start().list_images().images
    assert (left.id, dict(left.spec.annotations)) == (image.id, {})


@pytest.mark.e2e
def test_a_slow_pull_goes_on_while_bytes_come_and_ends_when_none_do(server: Any) -> None:
    server.crio.write_text('[crio.image]\npull_progress_timeout = "2s"\n')
    client = server.start()
    with LyingRegistry() as registry:
        name = tiny(registry)
        layer = registry.layer  # type: ignore[attr-defined]

        def drip(exchange: Exchange) -> bool:
            if not exchange.path.endswith(layer):
                return False
            return exchange.drip(registry.blobs[layer], pieces=12, pause=0.4)

        registry.behave = drip
        begun = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            client.pull_image(deadline=1, image=named(name))
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        client.pull_image(deadline=120, image=named(name))
        assert time.monotonic() - begun > 4, "twice the time-out"
        asked = [path for method, path, _ in registry.requests if method == "GET"]
        assert sum(path.endswith(layer) for path in asked) == 1, "the retry has joined the first"
        client.remove_image(image=named(name))
        registry.behave = lambda exchange: exchange.path.endswith(layer) and exchange.stall()
        begun = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            client.pull_image(deadline=120, image=named(name))
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert "slow" in caught.value.details(), "the server's own words"
        assert time.monotonic() - begun < 60
        registry.behave = lambda exchange: False
        client.pull_image(image=named(name))


@pytest.mark.e2e
def test_credentials_come_from_the_request_the_namespace_and_the_node(
    server: Any, tmp_path: Path
) -> None:
    auth = tmp_path / "auth"
    auth.mkdir()
    server.crio.write_text(
        f'[crio.image]\nglobal_auth_file = "{tmp_path}/global.json"\n'
        f'namespaced_auth_dir = "{auth}"\n'
    )
    client = server.start()
    with LyingRegistry() as registry:
        name = tiny(registry)
        seen: list[str] = []

        def ask(exchange: Exchange) -> bool:
            given = exchange.headers.get("authorization", "")
            if not given:
                return exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
            kind, _, value = given.partition(" ")
            seen.append(base64.b64decode(value).decode() if kind == "Basic" else given)
            return False

        def pulled(**fields: Any) -> str:
            seen.clear()
            client.pull_image(image=named(name), **fields)
            return seen[0]

        registry.behave = ask
        write(tmp_path / "global.json", registry.host, "node:1")
        assert pulled() == "node:1"
        pod = cri.PodSandboxConfig(metadata=cri.PodSandboxMetadata(namespace="team"))
        assert pulled(sandbox_config=pod) == "node:1"
        repository = hashlib.sha256(f"{registry.host}/slow".encode()).hexdigest()
        mine = auth / f"team-{repository}.json"
        write(mine, registry.host, "team:2")
        assert pulled(sandbox_config=pod) == "team:2"
        assert not mine.exists(), "it is for one pull"
        assert not list((auth / "in-use").iterdir())
        pods = {"username": "pod", "password": "3"}
        assert pulled(auth=cri.AuthConfig(**pods)) == "pod:3"
        both = base64.b64encode(b"pod:4").decode()
        assert pulled(auth=cri.AuthConfig(auth=both)) == "pod:4"
        assert pulled(auth=cri.AuthConfig(registry_token="t0ken")) == "Bearer t0ken"
        address = f"http://{registry.host}/v1/"
        assert pulled(auth=cri.AuthConfig(server_address=address, **pods)) == "pod:3"
        other = cri.AuthConfig(server_address="https://example.org/v1/", **pods)
        assert pulled(auth=other) == "node:1", "nobody else sees a password"


def test_an_identity_token_is_for_the_registrys_token_server() -> None:
    """core's test_bearer.py shows what the transport does with it."""
    asked = cri.AuthConfig(username="who", password="ever", identity_token="refresh")
    found = pull._settings(defaults(), "registry.example/a", asked, "")
    assert found.credentials == (TOKEN_USER, "refresh")


@pytest.mark.e2e
def test_encrypted_images_are_opened_with_the_nodes_keys(
    server: Any, registry: Registry, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    for words in (["genrsa", "-out", private], ["rsa", "-in", private, "-pubout", "-out", public]):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    name = f"{registry.host}/sealed:latest"
    with Engine(root=str(tmp_path / "maker"), runroot=str(tmp_path / "run")) as engine:
        plain = engine.images.pull(f"{registry.host}/busybox:latest")
        recipients = (encryption.recipient(f"jwe:{public}"),)
        engine.images.push(
            plain.id, f"docker://{name}", encryption=encryption.Encryption(recipients)
        )
    server.crio.write_text(f'[crio.runtime]\ndecryption_keys_path = "{keys}"\n')
    client = server.start()
    with pytest.raises(grpc.RpcError):
        client.pull_image(image=named(name))
    (keys / "broken.pem").write_text("no key")
    private.rename(keys / "key.pem")
    client.pull_image(image=named(name))
    assert "decryption_keys_path" in server.log.read_text(), "the broken one is named"


def write(file: Path, host: str, words: str) -> None:
    encoded = base64.b64encode(words.encode()).decode()
    file.write_text(json.dumps({"auths": {host: {"auth": encoded}}}))


@pytest.mark.e2e
def test_a_namespace_has_its_own_trust_policy(
    server: Any, registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "strict.json").write_text('{"default": [{"type": "reject"}]}')
    (tmp_path / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    server.crio.write_text(
        f'[crio.image]\nsignature_policy = "{tmp_path}/policy.json"\n'
        f'signature_policy_dir = "{tmp_path}"\nshort_name_mode = "enforcing"\n'
    )
    client = server.start()
    name = named(f"{registry.host}/busybox:latest")
    for namespace, good in (("strict", False), ("free", True), ("../strict", True)):
        pod = cri.PodSandboxConfig(metadata=cri.PodSandboxMetadata(namespace=namespace))
        if good:
            client.pull_image(image=name, sandbox_config=pod)
        else:
            with pytest.raises(grpc.RpcError, match="SignatureValidationFailed"):
                client.pull_image(image=name, sandbox_config=pod)
