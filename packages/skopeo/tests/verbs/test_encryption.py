"""copy --encryption-key and --decryption-key, also with Debian's skopeo at either end."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools import images
from devtools.fixtures import needs
from devtools.peers import skopeo
from devtools.registry import Registry

KEYS = {
    "rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "p256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p521": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
}


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with pairs of keys, NAME.pem and NAME.pub."""
    needs("openssl")
    directory = tmp_path_factory.mktemp("keys")
    for name, words in KEYS.items():
        private, public = directory / f"{name}.pem", directory / f"{name}.pub"
        for command in (
            ["genpkey", *words, "-out", str(private)],
            ["pkey", "-in", str(private), "-pubout", "-out", str(public)],
        ):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
    return directory


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image of three layers, as DIRECTORY:TAG of a layout."""
    path = tmp_path_factory.mktemp("three")
    layers = [images.layer([images.Member(name, os.urandom(600_000))]) for name in ("a", "b", "c")]
    images.Layout(path).add("three", images.ImageRecipe(layers))
    return f"{path}:three"


def layers(tool: Any, place: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tool.json("inspect", "--raw", place)["layers"]
    return found


def encrypted(tool: Any, place: str) -> list[bool]:
    return [layer["mediaType"].endswith("+encrypted") for layer in layers(tool, place)]


@pytest.mark.parametrize("kind", KEYS)
def test_there_and_back(tool: Any, three: str, keys: Path, kind: str) -> None:
    source = f"oci:{three}"
    tool("copy", "--encryption-key", f"jwe:{keys}/{kind}.pub", source, "oci:sealed:1")
    assert all(encrypted(tool, "oci:sealed:1"))
    tool("copy", "--decryption-key", f"{keys}/{kind}.pem", "oci:sealed:1", "oci:plain:1")
    assert layers(tool, "oci:plain:1") == layers(tool, source)


@pytest.mark.parametrize("kind", KEYS)
def test_skopeo_reads_what_we_write(
    tool: Any, three: str, keys: Path, kind: str, tmp_path: Path
) -> None:
    source = f"oci:{three}"
    tool("copy", "--encryption-key", f"jwe:{keys}/{kind}.pub", source, "oci:sealed:1")
    sealed, plain = f"oci:{tmp_path}/sealed:1", f"oci:{tmp_path}/plain:1"
    skopeo("copy", "--decryption-key", f"{keys}/{kind}.pem", sealed, plain)
    assert layers(tool, plain) == layers(tool, source)


@pytest.mark.parametrize("kind", KEYS)
def test_we_read_what_skopeo_writes(
    tool: Any, three: str, keys: Path, kind: str, tmp_path: Path
) -> None:
    source = f"oci:{three}"
    sealed = f"oci:{tmp_path}/sealed:1"
    skopeo("copy", "--encryption-key", f"jwe:{keys}/{kind}.pub", source, sealed)
    tool("copy", "--decryption-key", f"{keys}/{kind}.pem", sealed, "oci:plain:1")
    assert layers(tool, "oci:plain:1") == layers(tool, source)


def test_several_recipients(tool: Any, three: str, keys: Path, tmp_path: Path) -> None:
    """Each of them can open it, for us and for skopeo."""
    words = [f"--encryption-key=jwe:{keys}/{kind}.pub" for kind in ("rsa", "p256")]
    tool("copy", *words, f"oci:{three}", "oci:sealed:1")
    for kind in ("rsa", "p256"):
        key = f"--decryption-key={keys}/{kind}.pem"
        tool("copy", key, "oci:sealed:1", f"oci:ours-{kind}:1")
        place = f"oci:{tmp_path}/theirs-{kind}:1"
        skopeo("copy", key, f"oci:{tmp_path}/sealed:1", place)
        assert layers(tool, f"oci:ours-{kind}:1") == layers(tool, place)
    assert "keys that were not given" in tool.refused(
        "copy", f"--decryption-key={keys}/p521.pem", "oci:sealed:1", "oci:no:1"
    )


def test_some_layers(tool: Any, three: str, keys: Path) -> None:
    source = f"oci:{three}"
    count = len(layers(tool, source))
    assert count > 1
    key = f"--encryption-key=jwe:{keys}/p256.pub"
    tool("copy", key, "--encrypt-layer=-1", source, "oci:sealed:1")
    assert encrypted(tool, "oci:sealed:1") == [False] * (count - 1) + [True]
    assert "--encrypt-layer 9" in tool.refused("copy", key, "--encrypt-layer=9", source, "oci:no:1")


def test_through_a_registry(
    tool: Any, registry: Registry, three: str, keys: Path, tmp_path: Path
) -> None:
    """Compressed anew and encrypted at once; passed on as it is; a store needs the key."""
    source, insecure = f"oci:{three}", "--dest-tls-verify=false"
    place = f"docker://{registry.host}/sealed:1"
    tool(
        "copy", insecure, f"--encryption-key=jwe:{keys}/rsa.pub",
        "--dest-compress-format=zstd", source, place,
    )  # fmt: skip
    tool("copy", "--src-tls-verify=false", place, "dir:asis")
    manifest = json.loads((tmp_path / "asis/manifest.json").read_text())
    assert {layer["mediaType"] for layer in manifest["layers"]} == {
        "application/vnd.oci.image.layer.v1.tar+zstd+encrypted"
    }
    store = ["--storage-driver=vfs", "copy", "--src-tls-verify=false"]
    message = tool.refused(*store, place, "containers-storage:sealed:1")
    assert "is encrypted" in message and "--decryption-key" in message
    key = f"--decryption-key={keys}/rsa.pem"
    tool(*store, key, place, "containers-storage:example.com/plain:1")
    tool("--storage-driver=vfs", "copy", "containers-storage:example.com/plain:1", "oci:out:1")
    assert tool.json("inspect", "--config", "oci:out:1") == tool.json("inspect", "--config", source)


def test_every_image_of_an_index(tool: Any, image_layout: Path, keys: Path) -> None:
    source = f"oci:{image_layout}:multi"
    tool("copy", "--all", f"--encryption-key=jwe:{keys}/p256.pub", source, "oci:sealed:1")
    tool("copy", "--all", f"--decryption-key={keys}/p256.pem", "oci:sealed:1", "oci:plain:1")
    back, whole = (tool.json("inspect", "--raw", place) for place in ("oci:plain:1", source))
    for one, other in zip(back["manifests"], whole["manifests"], strict=True):
        assert one["platform"] == other["platform"]
        words = ("inspect", f"--override-arch={one['platform']['architecture']}")
        found, wanted = (
            tool.json(words[1], words[0], place)["LayersData"] for place in ("oci:plain:1", source)
        )
        assert found == wanted


def test_changed_bytes(tool: Any, image_layout: Path, keys: Path, tmp_path: Path) -> None:
    """An HMAC that does not fit is an error, even where all digests do; nothing is stored."""
    key = f"--encryption-key=jwe:{keys}/p256.pub"
    tool("copy", key, f"oci:{image_layout}:busybox", "dir:sealed")
    path = tmp_path / "sealed/manifest.json"
    manifest = json.loads(path.read_text())
    told = manifest["layers"][0]["annotations"]
    public = json.loads(base64.b64decode(told["org.opencontainers.image.enc.pubopts"]))
    public["hmac"] = base64.b64encode(bytes(32)).decode()
    told["org.opencontainers.image.enc.pubopts"] = base64.b64encode(
        json.dumps(public).encode()
    ).decode()
    path.write_text(json.dumps(manifest))
    message = tool.refused("copy", f"--decryption-key={keys}/p256.pem", "dir:sealed", "oci:plain:1")
    assert "HMAC" in message
    index = tmp_path / "plain/index.json"
    assert not index.exists() or not json.loads(index.read_text())["manifests"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--encrypt-layer=0"], "--encrypt-layer can only be used with --encryption-key"),
        (["--encryption-key=jwe:a", "--decryption-key=b"], "cannot be specified together"),
        (["--encryption-key=jwe:missing.pub"], "missing.pub"),
        (["--encryption-key=pgp:someone@example.com"], "JWE keys only"),
        (["--encryption-key=auth.json"], "jwe:FILE"),
        (["--encryption-key=jwe:auth.json"], "no public key"),
        (["--decryption-key=auth.json"], "no private key"),
    ],
)
def test_refused(tool: Any, image_layout: Path, words: list[str], said: str) -> None:
    result = tool("copy", *words, f"oci:{image_layout}:busybox", "oci:no:1", check=False)
    assert result.returncode != 0
    assert said in result.stderr and "Traceback" not in result.stderr


def test_formats_without_words_for_it(tool: Any, image_layout: Path, keys: Path) -> None:
    key, source = f"--encryption-key=jwe:{keys}/p256.pub", f"oci:{image_layout}:busybox"
    for words in (["--format=v2s2", source, "dir:no"], [source, "docker-archive:no.tar:a:1"]):
        assert "OCI" in tool.refused("copy", key, *words)
    tool("copy", key, source, "oci:sealed:1")
    assert "OCI" in tool.refused("copy", "oci:sealed:1", "docker-archive:no.tar:a:1")
    assert "preserve digests" in tool.refused("copy", key, "--preserve-digests", source, "dir:no")
