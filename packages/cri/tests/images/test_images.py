"""The ImageService over a real socket, pulling from a real registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest

from devtools.registry import Registry
from rundlet.core.trust.sigstore import keys as generated
from rundlet.cri.proto import api_pb2 as cri


def named(name: str) -> cri.ImageSpec:
    return cri.ImageSpec(image=name)


@pytest.mark.e2e
def test_pull_status_list_and_remove(client: Any, registry: Registry) -> None:
    name = f"{registry.host}/busybox:latest"
    assert not client.image_status(image=named(name)).HasField("image")
    reference = client.pull_image(image=named(name)).image_ref
    assert reference.startswith("sha256:")
    image = client.image_status(image=named(name), verbose=True).image
    assert image.id == reference
    assert list(image.repo_tags) == [name]
    assert image.repo_digests[0].startswith(f"{registry.host}/busybox@sha256:")
    assert image.size > 0
    assert client.image_status(image=named(reference)).image == image
    assert list(client.list_images().images) == [image]
    assert [list(part.images) for part in client.stream_images()] == [[image]]
    assert not client.list_images(filter=cri.ImageFilter(image=named("no/such"))).images
    usage = client.image_fs_info()
    assert usage.image_filesystems[0].used_bytes.value > image.size
    client.remove_image(image=named(name))
    client.remove_image(image=named(name))  # idempotent
    assert not client.list_images().images


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
