"""The `--sign-` flags of `copy` and `sync`, with a registry; Rekor and Fulcio are on loopback."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from devtools.gpg import Home
from devtools.registry import Registry
from devtools.sigstore import ISSUER, Services, encoded, token
from rundlet.core.trust.stored import BUNDLE, SIMPLE_SIGNING, is_simple, unpacked


@pytest.fixture
def signed(tool: Any, registry: Registry, tmp_path: Path) -> Any:
    """The tool with a key pair `mine`, and registries.d by which everything is kept."""
    (tmp_path / "registries.d").mkdir()
    (tmp_path / "registries.d/all.yaml").write_text(
        f"default-docker: {{use-sigstore-attachments: true, lookaside: 'file://{tmp_path}/store'}}"
    )
    (tmp_path / "pass").write_text("secret\n")
    tool("generate-sigstore-key", "--output-prefix", "mine", "--passphrase-file", "pass")
    return tool


@pytest.fixture
def place(registry: Registry, tmp_path: Path) -> str:
    """A repository of the test's own."""
    return f"docker://{registry.host}/signing/{tmp_path.name.lower()}"


def policy(tool: Any, **requirement: Any) -> tuple[str, ...]:
    """Flags by which every image must fulfil this requirement of sigstoreSigned."""
    file = tool.directory / "policy.json"
    file.write_text(json.dumps({"default": [{"type": "sigstoreSigned", **requirement}]}))
    return ("--registries.d", "registries.d", "--policy", "policy.json")


FREELY = ("--registries.d", "registries.d", "--insecure-policy")
KEY = ("--sign-by-sigstore-private-key", "mine.private", "--sign-passphrase-file", "pass")


def kept(directory: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(directory.glob("signature-*"))]


def test_a_new_key(tool: Any, tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("secret\n")
    words = ("generate-sigstore-key", "--output-prefix", "mine")
    said = tool(*words, "--passphrase-file", "pass").stdout
    assert said == 'Key written to "mine.private" and "mine.pub"\n'
    assert (tmp_path / "mine.private").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "mine.private").read_text().startswith("-----BEGIN ENCRYPTED SIGSTORE PRI")
    assert "Refusing to overwrite existing mine.private" in tool.refused(*words)
    assert "Must specify --output-prefix" in tool.refused("generate-sigstore-key")
    said = tool.refused("generate-sigstore-key", "--output-prefix", "other")
    assert "standard input is not a TTY" in said and "Give --passphrase-file." in said
    assert not (tmp_path / "other.pub").exists()


def test_a_private_key(signed: Any, place: str, image_layout: Path, tmp_path: Path) -> None:
    source = f"oci:{image_layout}:multi"
    signed(*FREELY, "copy", "-q", "--all", *KEY, source, f"{place}:1")
    mine = policy(signed, keyPath="mine.pub")
    signed(*mine, "copy", "-q", "--all", f"{place}:1", "dir:all")
    signed(*mine, "copy", "-q", f"{place}:1", "dir:one")
    (found,) = map(unpacked, kept(tmp_path / "all"))
    assert found.media_type == SIMPLE_SIGNING
    assert len(list((tmp_path / "all").glob("*.signature-1"))) == 2, "instances are signed too"
    # Copied along: to another tag, whose name nobody signed.
    signed(*FREELY, "copy", "-q", "--all", "dir:all", f"{place}-other:1")
    said = signed.refused(*mine, "copy", "-q", f"{place}-other:1", "dir:no")
    assert "is not accepted" in said
    exactly = {"type": "exactReference", "dockerReference": f"{place[9:]}:1"}
    signed(*policy(signed, keyPath="mine.pub", signedIdentity=exactly), "copy", "-q",
           f"{place}-other:1", "dir:yes")  # fmt: skip


def test_through_the_store(signed: Any, place: str, image_layout: Path, tmp_path: Path) -> None:
    """The store keeps signatures as long as it has the image, and gives them on."""
    name = f"{place[9:]}:1"
    signed(*FREELY, "copy", "-q", *KEY, f"oci:{image_layout}:busybox", f"{place}:1")
    signed(*FREELY, "copy", "-q", f"{place}:1", f"containers-storage:{name}")
    signed(*FREELY, "copy", "-q", f"containers-storage:{name}", "dir:out")
    signed(*FREELY, "copy", "-q", f"{place}:1", "dir:straight")
    assert kept(tmp_path / "out") == kept(tmp_path / "straight") != []
    signed(*FREELY, "copy", "-q", "--remove-signatures", f"containers-storage:{name}", "dir:bare")
    assert not kept(tmp_path / "bare")
    said = signed.refused(*FREELY, "copy", f"containers-storage:{name}", "oci-archive:x.tar")
    assert "cannot hold signatures" in said


def test_an_index(signed: Any, place: str, image_layout: Path, registry: Registry) -> None:
    """Whoever signs an index signs what it names, and only that; cosign signs nothing else."""
    signed(*FREELY, "copy", "-q", "--all", f"oci:{image_layout}:multi", f"{place}:1")
    mine = policy(signed, keyPath="mine.pub")
    assert "no signature exists" in signed.refused(*mine, "copy", "-q", f"{place}:1", "dir:no")
    # The index alone is signed, by a copy of it to where its instances are.
    signed(*FREELY, "copy", "-q", "--multi-arch=index-only", *KEY, f"{place}:1", f"{place}:1")
    signed(*mine, "copy", "-q", f"{place}:1", "dir:one")
    signed(*mine, "copy", "-q", "--all", f"{place}:1", "dir:all")
    digest = signed.json("inspect", "--raw", f"{place}:1")["manifests"][0]["digest"]
    said = signed.refused(*mine, "copy", "-q", f"{place}@{digest}", "dir:no")
    assert "no signature exists" in said and "use-sigstore-attachments" in said


def test_an_identity(signed: Any, place: str, image_layout: Path) -> None:
    source = f"oci:{image_layout}:busybox"
    words = (*FREELY, "copy", "-q", *KEY)
    signed(*words, "--sign-identity", "example.com/a:2", source, f"{place}:1")
    exactly = {"type": "exactReference", "dockerReference": "example.com/a:2"}
    signed(*policy(signed, keyPath="mine.pub", signedIdentity=exactly), "copy", "-q",
           f"{place}:1", "dir:out")  # fmt: skip
    assert "Cannot determine canonical" in signed.refused(*words, source, "dir:x")
    said = signed.refused(*words, "--sign-identity", "example.com/a@", source, "dir:x")
    assert "Traceback" not in said
    words = ("--insecure-policy", "copy", "-q", *KEY)
    assert "Set use-sigstore-attachments" in signed.refused(*words, source, f"{place}:2")
    assert signed("inspect", f"{place}:2", check=False).returncode == 2, "nothing was written"


def test_wrong_keys(signed: Any, place: str, image_layout: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("other")
    words = ("copy", f"oci:{image_layout}:busybox", f"{place}:1")
    for flags, said in (
        ((*KEY[:3], "wrong"), "mine.private: the passphrase is wrong"),
        (KEY[:2], "standard input is not a TTY"),
        ((KEY[0], "mine.pub", *KEY[2:]), "expected an ENCRYPTED SIGSTORE PRIVATE KEY"),
        ((KEY[0], "none", *KEY[2:]), "reading the private key none: No such file"),
        ((*KEY[:3], "none"), "reading the passphrase in none"),
        ((*KEY, "--sign-by", "x"), "can be used with --sign-passphrase-file"),
        ((*KEY, "--sign-by-sigstore", "x"), "Only one of --sign-by-sigstore"),
        (("--sign-by", "x", "--sign-by-sq-fingerprint", "y"), "Only one of --sign-by and"),
        (("--sign-identity", "a:1"), "needs a key to sign with"),
    ):
        assert said in signed.refused(*words, *flags), flags


@pytest.fixture
def services() -> Iterator[Services]:
    with Services() as running:
        yield running


def parameters(directory: Path, **fields: Any) -> tuple[str, str]:
    (directory / "parameters.yaml").write_text(json.dumps(fields))  # JSON is YAML
    return "--sign-by-sigstore", "parameters.yaml"


@pytest.mark.parametrize("bundle", [False, True])
def test_a_log(
    signed: Any, place: str, image_layout: Path, services: Services, tmp_path: Path, bundle: bool
) -> None:
    flags = parameters(tmp_path, privateKeyFile="mine.private", privateKeyPassphraseFile="pass",
                       rekorURL=services.url, bundle=bundle)  # fmt: skip
    source = f"oci:{image_layout}:busybox"
    signed(*FREELY, "copy", "-q", *flags, source, f"{place}:1")
    log = {"rekorPublicKeyData": encoded(services.log.public)}
    words = ("copy", "-q", f"{place}:1")
    signed(*policy(signed, keyPath="mine.pub", **log), *words, "dir:out")
    (found,) = map(unpacked, kept(tmp_path / "out"))
    assert found.media_type == (BUNDLE if bundle else SIMPLE_SIGNING)
    with Services() as other:
        stranger = {"rekorPublicKeyData": encoded(other.log.public)}
    said = signed.refused(*policy(signed, keyPath="mine.pub", **stranger), *words, "dir:no")
    assert "not promised (SET) by a known log" in said
    signed(*FREELY, "copy", "-q", *KEY, source, f"{place}:2")
    said = signed.refused(*policy(signed, keyPath="mine.pub", **log), "copy", f"{place}:2", "dir:n")
    assert "is in no transparency log" in said or "is not accepted" in said


@pytest.mark.parametrize("bundle", [False, True])
def test_a_layout_keeps_them(
    signed: Any, place: str, image_layout: Path, services: Services, tmp_path: Path, bundle: bool
) -> None:
    """They are no images of it, go on from there, and are deleted with what they are of."""
    flags = parameters(tmp_path, privateKeyFile="mine.private", privateKeyPassphraseFile="pass",
                       rekorURL=services.url, bundle=bundle)  # fmt: skip
    signed(*FREELY, "copy", "-q", *flags, f"oci:{image_layout}:busybox", f"{place}:1")
    for _ in range(2):
        signed(*FREELY, "copy", "-q", f"{place}:1", "oci:layout:one")
    assert signed.json("list-tags", "oci:layout")["Tags"] == ["one"]
    signed("inspect", "oci:layout")
    named = {"type": "exactReference", "dockerReference": f"{place[9:]}:1"}
    mine = policy(signed, keyPath="mine.pub", signedIdentity=named,
                  rekorPublicKeyData=encoded(services.log.public))  # fmt: skip
    signed(*mine, "copy", "-q", "oci:layout:one", "dir:out")
    signed(*FREELY, "copy", "-q", f"{place}:1", "dir:straight")
    assert len(kept(tmp_path / "out")) == 1
    assert kept(tmp_path / "out") == kept(tmp_path / "straight")
    signed(*FREELY, "copy", "-q", "oci:layout:one", f"{place}:2")
    signed(*mine, "copy", "-q", f"{place}:2", "dir:back")
    if not bundle:
        shutil.copytree(tmp_path / "layout", tmp_path / "cosign")
        index = json.loads((tmp_path / "cosign/index.json").read_text())
        index["manifests"][1]["annotations"] = {"kind": "dev.cosignproject.cosign/sigs"}
        (tmp_path / "cosign/index.json").write_text(json.dumps(index))
        signed(*mine, "copy", "-q", "oci:cosign", "dir:cosigned")
    signed("delete", "oci:layout:one")
    assert list((tmp_path / "layout/blobs/sha256").iterdir()) == []


@pytest.mark.parametrize("bundle", [False, True])
def test_a_certificate(
    signed: Any, place: str, image_layout: Path, services: Services, tmp_path: Path, bundle: bool
) -> None:
    fulcio = {"fulcioURL": services.url, "oidcMode": "staticToken",
              "oidcIDToken": token("me@example.com")}  # fmt: skip
    flags = parameters(tmp_path, fulcio=fulcio, rekorURL=services.url, bundle=bundle)
    signed(*FREELY, "copy", "-q", *flags, f"oci:{image_layout}:busybox", f"{place}:1")
    roots = services.authority.root
    if bundle:  # it holds the signer's certificate alone: what is above is for who checks
        from devtools.sigstore import pem

        roots += pem(services.authority.between)
    wanted = {"caData": encoded(roots), "oidcIssuer": ISSUER, "subjectEmail": "me@example.com"}
    log = {"rekorPublicKeyData": encoded(services.log.public)}
    words = ("copy", "-q", f"{place}:1", "dir:out")
    signed(*policy(signed, fulcio=wanted, **log), *words)
    you = {**wanted, "subjectEmail": "you@example.com"}
    said = signed.refused(*policy(signed, fulcio=you, **log), *words)
    assert "its signer is me@example.com, not you@example.com" in said


def test_bad_parameters(signed: Any, image_layout: Path, place: str, tmp_path: Path) -> None:
    key = {"privateKeyFile": "mine.private", "privateKeyPassphraseFile": "pass"}
    browser = {"fulcioURL": "http://localhost:1", "oidcMode": "interactive"}
    for fields, said in (
        ({}, "exactly one of privateKeyFile and fulcio"),
        ({**key, "rekor": 1}, "unknown field rekor"),
        ({**key, "bundle": "x"}, "bundle: expected true or false"),
        ({"fulcio": browser}, "fulcio needs a rekorURL"),
        ({"fulcio": browser, "rekorURL": "x"}, "needs a browser"),
        ({"fulcio": {**browser, "oidcMode": ""}, "rekorURL": "x"}, "oidcIDToken are needed"),
        ({**key, "rekorURL": "http://localhost:1"}, "http://localhost:1/api/v1/log/entries: "),
        ({**key, "rekorURL": "file:///etc"}, "expected http:// or https://"),
    ):
        flags = parameters(tmp_path, **fields)
        words = (*FREELY, "copy", *flags, f"oci:{image_layout}:busybox", f"{place}:1")
        assert said in signed.refused(*words), fields


def test_sync(signed: Any, home: Home, registry: Registry, place: str, tmp_path: Path) -> None:
    signed.environment["GNUPGHOME"] = home.directory
    words = (*FREELY, "sync", "--src", "docker", "--dest", "docker")
    ends = (f"{registry.host}/busybox", place[9:])
    signed("--insecure-policy", *words[-5:], *ends)  # it is there already, and nobody signed it
    signed(*words, "--sign-by", home.fingerprint("one"), *ends)
    (tmp_path / "one.pub").write_bytes(home.public("one"))
    by_one = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": f"{tmp_path}/one.pub"}
    (tmp_path / "policy.json").write_text(json.dumps({"default": [by_one]}))
    strictly = ("--registries.d", "registries.d", "--policy", "policy.json")
    signed(*strictly, "copy", "-q", f"{place}/busybox:latest", "dir:out")
    # Signatures go along to where the image is, but they are not.
    further = (f"{place[9:]}/busybox", f"{place[9:]}/further")
    signed("--insecure-policy", *words[-5:], "--remove-signatures", *further)
    signed(*words, *further)
    assert "Kept image 1/1" in signed(*words, *further).stdout
    assert len(list((tmp_path / "store").rglob("signature-1"))) == 2


def test_require_signed(signed: Any, place: str, image_layout: Path, tmp_path: Path) -> None:
    signed(*FREELY, "copy", "-q", *KEY, f"oci:{image_layout}:busybox", f"{place}:1")
    words = ("copy", "-q", f"{place}:1", "dir:out")
    said = signed.refused(*FREELY, "--require-signed", *words)
    assert "No signature verification policy found for image" in said
    signed(*policy(signed, keyPath="mine.pub"), "--require-signed", *words)


def test_sequoia(signed: Any, place: str, image_layout: Path, tmp_path: Path) -> None:
    pysequoia = pytest.importorskip("pysequoia")
    needs("gpg")
    store = tmp_path / "sequoia/data/keystore/softkeys"
    store.mkdir(parents=True)
    key = pysequoia.Tsk.generate("me@example.com")
    (store / "key.pgp").write_bytes(bytes(key))
    (store / "other").write_text("nothing")
    signed.environment["SEQUOIA_HOME"] = str(tmp_path / "sequoia")
    words = (*FREELY, "copy", "-q", "--sign-by-sq-fingerprint")
    ends = (f"oci:{image_layout}:busybox", f"{place}:1")
    assert "there is no secret key 00" in signed.refused(*words, "00", *ends)
    fingerprint = key.extract_certificate().fingerprint
    signed(*words, fingerprint.upper(), *ends)
    public = base64.b64encode(bytes(key.extract_certificate())).decode()
    by_key = {"type": "signedBy", "keyType": "GPGKeys", "keyData": public}
    (tmp_path / "policy.json").write_text(json.dumps({"default": [by_key]}))
    strictly = ("--registries.d", "registries.d", "--policy", "policy.json")
    signed(*strictly, "copy", "-q", ends[1], "dir:out")
    assert all(map(is_simple, kept(tmp_path / "out")))
