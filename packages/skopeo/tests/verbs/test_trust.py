"""The trust policy, and signatures that Debian's skopeo made, in `copy` and `sync`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.gpg import Home
from devtools.registry import Registry

NAME = "example.com/team/app:1"
ACCEPT, REJECT = {"type": "insecureAcceptAnything"}, {"type": "reject"}


def policy(tool: Any, **parts: Any) -> str:
    """A policy file, by which everything else is rejected."""
    path = tool.directory / "policy.json"
    path.write_text(json.dumps({"default": [REJECT], **parts}))
    return str(path)


@pytest.fixture
def signed(tool: Any, home: Home, image_layout: Path, tmp_path: Path) -> str:
    """A directory with an index that skopeo signed as NAME by the key `one`."""
    words = ["skopeo", "--insecure-policy", "copy", "--all", "--sign-by", home.fingerprint("one")]
    words += ["--sign-identity", NAME, f"oci:{image_layout}:multi", f"dir:{tmp_path}/signed"]
    environment = {**tool.environment, "GNUPGHOME": home.directory}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (tmp_path / "one.pub").write_bytes(home.public("one"))
    (tmp_path / "two.pub").write_bytes(home.public("two"))
    return f"dir:{tmp_path}/signed"


def signatures(place: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in place.glob("*signature-*")}


def requirement(tool: Any, key: str = "one", name: str = NAME) -> dict[str, Any]:
    return {
        "type": "signedBy",
        "keyType": "GPGKeys",
        "keyPath": f"{tool.directory}/{key}.pub",
        "signedIdentity": {"type": "exactReference", "dockerReference": name},
    }


def test_scopes(tool: Any, registry: Registry) -> None:
    accepted = policy(tool, transports={"docker": {f"{registry.host}/busybox": [ACCEPT]}})
    words = ("--policy", accepted, "copy", "-q")
    tool(*words, f"docker://{registry.host}/busybox", "dir:busybox")
    said = tool.refused(*words, f"docker://{registry.host}/multi", "dir:multi")
    assert "rejected by policy" in said and f"{registry.host}/multi" in said
    assert not (tool.directory / "multi").exists()
    tool("--insecure-policy", *words, f"docker://{registry.host}/multi", "dir:multi")


def test_sync(tool: Any, registry: Registry) -> None:
    words = ("sync", "--src", "docker", "--dest", "dir", f"{registry.host}/busybox", "out")
    assert "rejected by policy" in tool.refused("--policy", policy(tool), *words)
    tool("--insecure-policy", *words)


def test_the_users_own(tool: Any, image_layout: Path) -> None:
    place = tool.directory / "home/.config/containers"
    place.mkdir(parents=True)
    (place / "policy.json").write_text(json.dumps({"default": [REJECT]}))
    tool.environment["HOME"] = f"{tool.directory}/home"
    assert "rejected" in tool.refused("copy", f"oci:{image_layout}:busybox", "dir:out")


def test_a_bad_policy(tool: Any, image_layout: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"default": [{"type": "accept"}]}')
    words = ("copy", f"oci:{image_layout}:busybox", "dir:out")
    said = tool.refused("--policy", f"{tmp_path}/policy.json", *words)
    assert "policy.json: default[0].type: unknown requirement 'accept'" in said
    assert "cannot read the trust policy" in tool.refused("--policy", "/nowhere", *words)


@pytest.mark.parametrize("several", [(), ("--all",)])
def test_signed_by(tool: Any, signed: str, several: tuple[str, ...]) -> None:
    good = policy(tool, transports={"dir": {"": [requirement(tool)]}})
    tool("--policy", good, "copy", *several, signed, "dir:out")
    for bad, message in (
        (requirement(tool, key="two"), "not a valid one by a known key"),
        (requirement(tool, name=f"{NAME}2"), f"its name {NAME} is not accepted"),
        ({**requirement(tool), "signedIdentity": {"type": "matchExact"}}, "is not accepted"),
    ):
        refusing = policy(tool, transports={"dir": {"": [bad]}})
        said = tool.refused("--policy", refusing, "copy", *several, signed, "dir:other")
        assert message in said
        assert not (tool.directory / "other").exists()


def test_a_changed_image(tool: Any, signed: str, tmp_path: Path) -> None:
    manifest = tmp_path / "signed/manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    good = policy(tool, transports={"dir": {"": [requirement(tool)]}})
    said = tool.refused("--policy", good, "copy", "--all", signed, "dir:out")
    assert "it is of sha256:" in said


def test_signatures_are_copied(tool: Any, home: Home, signed: str, tmp_path: Path) -> None:
    tool("copy", "--all", signed, "dir:out")
    kept = signatures(tmp_path / "out")
    assert kept == signatures(tmp_path / "signed") and len(kept) == 3
    accepting = policy(tool, transports={"dir": {"": [requirement(tool)]}})
    words = ["skopeo", "--policy", accepting, "copy", "--all", "--remove-signatures"]
    subprocess.run([*words, f"dir:{tmp_path}/out", f"dir:{tmp_path}/theirs"], check=True)
    tool("copy", "--all", "--remove-signatures", signed, "dir:bare")
    assert not signatures(tmp_path / "bare")


def test_signatures_that_cannot_be_kept(tool: Any, signed: str) -> None:
    assert "cannot hold signatures" in tool.refused("copy", "--all", signed, "oci:layout:x")
    said = tool.refused("copy", "--format", "v2s2", signed, "dir:out")
    assert "would invalidate its 1 signatures" in said and "--remove-signatures" in said
    tool("copy", "--format", "v2s2", "--remove-signatures", signed, "dir:out")
    tool("copy", "--all", "--remove-signatures", signed, "oci:layout:y")
