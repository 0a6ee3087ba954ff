"""`rundlet push --sign-by` and pulls by a policy, with Debian's skopeo at the other end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devtools.gpg import Home
from devtools.peers import skopeo
from devtools.registry import Registry

if TYPE_CHECKING:
    from devtools.tool import Rundlet

REJECT = {"type": "reject"}


@pytest.fixture
def store(rundlet: Rundlet, busybox_archive: Path, home: Home, tmp_path: Path) -> Rundlet:
    """A store with busybox, whose registries.d names a lookaside store in `tmp_path`."""
    (tmp_path / "registries.d").mkdir()
    (tmp_path / "registries.d/all.yaml").write_text(
        f"default-docker: {{lookaside: 'file://{tmp_path}/signatures'}}"
    )
    (tmp_path / "one.pub").write_bytes(home.public("one"))
    (tmp_path / "two.pub").write_bytes(home.public("two"))
    rundlet.environment.update(
        GNUPGHOME=home.directory, RUNDLET_REGISTRIES_D=f"{tmp_path}/registries.d"
    )
    rundlet("load", "-q", "-i", str(busybox_archive))
    return rundlet


def policy(rundlet: Rundlet, **parts: Any) -> None:
    """What every pull obeys from now on."""
    file = rundlet.directory / "policy.json"
    file.write_text(json.dumps({"default": [REJECT], **parts}))
    rundlet.environment["RUNDLET_POLICY_JSON"] = str(file)


def signed_by(rundlet: Rundlet, key: str) -> dict[str, Any]:
    keys = f"{rundlet.directory}/{key}.pub"
    return {"docker": {"": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": keys}]}}


def theirs(rundlet: Rundlet, *words: str) -> subprocess.CompletedProcess[str]:
    """Debian's skopeo with our policy and registries.d."""
    return subprocess.run(
        ["skopeo", "--policy", f"{rundlet.directory}/policy.json", "--registries.d",
         f"{rundlet.directory}/registries.d", "copy", "--src-tls-verify=false", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_skopeo_takes_what_we_sign(store: Rundlet, home: Home, registry: Registry) -> None:
    name = f"{registry.host}/ours/signed:1"
    store("push", "-q", "--sign-by", home.fingerprint("one"), "busybox", name)
    policy(store, transports=signed_by(store, "two"))
    assert theirs(store, f"docker://{name}", f"dir:{store.directory}/no").returncode != 0
    policy(store, transports=signed_by(store, "one"))
    done = theirs(store, f"docker://{name}", f"dir:{store.directory}/yes")
    assert done.returncode == 0, done.stderr
    assert (store.directory / "yes/signature-1").exists()
    # As another tag it is an image that nobody signed.
    skopeo("copy", "-q", "--remove-signatures", "--src-tls-verify=false",
           "--dest-tls-verify=false", f"docker://{name}",
           f"docker://{registry.host}/ours/signed:2")  # fmt: skip
    again = theirs(store, f"docker://{registry.host}/ours/signed:2", f"dir:{store.directory}/no")
    assert again.returncode != 0


def test_we_take_what_skopeo_signs(
    store: Rundlet, home: Home, registry: Registry, image_layout: Path
) -> None:
    name = f"{registry.host}/theirs/signed:1"
    subprocess.run(
        ["skopeo", "--insecure-policy", "--registries.d", f"{store.directory}/registries.d",
         "copy", "-q", "--sign-by", home.fingerprint("one"), "--dest-tls-verify=false",
         f"oci:{image_layout}:busybox", f"docker://{name}"],
        env={**store.environment}, check=True,
    )  # fmt: skip
    policy(store, transports=signed_by(store, "two"))
    said = store("pull", "-q", name, check=False)
    assert said.returncode == 125 and "not a valid one by a known key" in said.stderr
    policy(store, transports=signed_by(store, "one"))
    store("pull", "-q", name)
    for file in (store.directory / "signatures").rglob("signature-1"):
        if "theirs" in str(file):
            file.unlink()
    said = store("pull", "-q", name, check=False)
    assert "A signature was required, but no signature exists" in said.stderr


def test_signatures_go_along(store: Rundlet, home: Home, registry: Registry) -> None:
    name = f"{registry.host}/along/one:1"
    store("push", "-q", "--sign-by", home.fingerprint("one"), "busybox", name)
    store("pull", "-q", name)
    store("push", "-q", name, f"{registry.host}/along/two:1")
    store("push", "-q", "--remove-signatures", name, f"{registry.host}/along/three:1")
    kept = [file.read_bytes() for file in (store.directory / "signatures").rglob("signature-*")]
    assert len(kept) == 2 and kept[0] == kept[1]
    said = store("push", "-q", name, "docker-archive:/dev/null", check=False)
    assert "would invalidate its 1 signatures" in said.stderr
    assert "Use --remove-signatures" in said.stderr
    store("save", "-q", "-o", f"{store.directory}/saved.tar", name)


def test_what_cannot_be_signed(store: Rundlet, home: Home, registry: Registry) -> None:
    said = store(
        "push", "--sign-by", "nobody@nowhere", "busybox", f"{registry.host}/x", check=False
    )
    assert "cannot sign with the key nobody@nowhere" in said.stderr
    assert "Traceback" not in said.stderr
    words = ("push", "--sign-by", home.fingerprint("one"), "busybox")
    said = store(*words, f"dir:{store.directory}/x", check=False)
    assert "Cannot determine canonical Docker reference for destination dir:" in said.stderr


def test_a_policy_for_one_command(store: Rundlet, busybox_archive: Path) -> None:
    strict = store.directory / "strict.json"
    strict.write_text(json.dumps({"default": [REJECT]}))
    for words in (("load", "-i", str(busybox_archive)), ("pull", f"oci-archive:{busybox_archive}")):
        done = store(*words, "--signature-policy", str(strict), check=False)
        assert done.returncode == 125 and "rejected by policy" in done.stderr, words
        store(*words, "-q")
        done = store(*words, "--signature-policy", "/none", check=False)
        assert "cannot read the trust policy /none" in done.stderr
