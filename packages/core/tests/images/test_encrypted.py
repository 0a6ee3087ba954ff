"""Encrypted images: pushed by `rundlet push`, pulled by who has the key, refused otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from devtools.registry import Registry


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A directory with a pair of keys, KEY.pem and KEY.pub."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
    )
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(private)
    (tmp_path / "key.pub").write_bytes(public)
    (tmp_path / "word").write_bytes(b"word")
    return tmp_path


def test_pushed_and_pulled(rundlet: Any, registry: Registry, keys: Path) -> None:
    name = f"{registry.host}/encrypted/{keys.name.lower()}:1"
    busybox = f"{registry.host}/busybox:latest"
    rundlet("pull", "-q", busybox)
    before = json.loads(rundlet("image", "inspect", busybox).stdout)[0]
    rundlet("push", "-q", "--encryption-key", f"jwe:{keys}/key.pub", busybox, name)
    rundlet("rmi", busybox)

    refused = rundlet("pull", "-q", name, check=False)
    assert refused.returncode == 125
    assert "is encrypted" in refused.stderr and "--decryption-key" in refused.stderr
    assert not rundlet("images", "-q").stdout.strip()

    rundlet("pull", "-q", "--decryption-key", f"{keys}/key.pem:file={keys}/word", name)
    after = json.loads(rundlet("image", "inspect", name).stdout)[0]
    assert after["RootFS"] == before["RootFS"]
    found = rundlet("run", "--rm", "--network=none", name, "echo", "open").stdout
    assert found.strip() == "open"
