"""`standalone-sign` and `standalone-verify`, both ways with Debian's skopeo."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs
from devtools.gpg import Home

NAME = "example.com/team/app:1"


@pytest.fixture
def signer(tool: Any, home: Home, image_layout: Path, tmp_path: Path) -> Any:
    """The command with that gpg, beside a `manifest.json`."""
    tool.environment["GNUPGHOME"] = home.directory
    tool("copy", "-q", f"oci:{image_layout}:busybox", f"dir:{tmp_path}/image")
    (tmp_path / "manifest.json").write_bytes((tmp_path / "image/manifest.json").read_bytes())
    return tool


def theirs(signer: Any, *words: str) -> subprocess.CompletedProcess[str]:
    """Debian's skopeo at the same place."""
    needs("skopeo")
    return subprocess.run(
        ["skopeo", *words], env=signer.environment, cwd=signer.directory, check=False,
        capture_output=True, text=True,
    )  # fmt: skip


def test_ours_for_them(signer: Any, home: Home) -> None:
    key = home.fingerprint("one")
    signer("standalone-sign", "manifest.json", NAME, key, "-o", "signature")
    done = theirs(signer, "standalone-verify", "manifest.json", NAME, key, "signature")
    assert done.stdout.startswith("Signature verified, digest sha256:"), done.stderr


def test_theirs_for_us(signer: Any, home: Home, tmp_path: Path) -> None:
    key = home.fingerprint("one")
    theirs(signer, "standalone-sign", "manifest.json", NAME, key, "-o", "signature")
    digest = signer("manifest-digest", "manifest.json").stdout.strip()
    said = f"Signature verified using fingerprint {key}, digest {digest}\n"
    verify = ("standalone-verify", "manifest.json", NAME)
    assert signer(*verify, key, "signature").stdout == said
    (tmp_path / "keys").write_bytes(home.public("one"))
    words = ("--public-key-file", "keys")
    for wanted in ("any", key, f"{'0' * 40},{key}"):
        assert signer(*verify, *words, wanted, "signature").stdout == said


def test_refused(signer: Any, home: Home, tmp_path: Path) -> None:
    key = home.fingerprint("one")
    signer("standalone-sign", "manifest.json", NAME, key, "--output", "signature")
    verify = ("standalone-verify", "manifest.json")
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "two").write_bytes(home.public("two"))
    (tmp_path / "nonsense").write_text("nonsense")
    for words, message in (
        ((*verify, f"{NAME}2", key, "signature"), f"{NAME} does not match {NAME}2"),
        (("standalone-verify", "other.json", NAME, key, "signature"), "digest sha256:"),
        ((*verify, NAME, home.fingerprint("two"), "signature"), "not among the keys that may"),
        ((*verify, "--public-key-file", "two", NAME, "any", "signature"), "by a known key"),
        ((*verify, "--public-key-file", "nonsense", NAME, "any", "signature"), "no OpenPGP"),
        ((*verify, NAME, "any", "signature"), "Cannot use any fingerprint without"),
        ((*verify, NAME, key, "nonsense"), "not a valid one by a known key"),
        ((*verify, NAME, key, "nothing"), "Error reading nothing"),
        (("standalone-sign", "manifest.json", NAME, key), "An output file must be specified"),
        (("standalone-sign", "manifest.json", NAME, "nobody", "-o", "x"), "cannot sign with"),
        (("standalone-sign", "manifest.json", "NO", key, "-o", "x"), "must be lowercase"),
    ):
        assert message in signer.refused(*words)
    assert not (tmp_path / "x").exists()


def test_a_passphrase_file(signer: Any, home: Home, tmp_path: Path) -> None:
    key = home.fingerprint("locked", "open sesame")
    subprocess.run(["gpgconf", "--homedir", home.directory, "--kill", "gpg-agent"], check=True)
    (tmp_path / "passphrase").write_text("open sesame\nand more\n")
    words = ("standalone-sign", "manifest.json", NAME, key, "-o", "signature")
    signer(*words, "--passphrase-file", "passphrase")
    signer("standalone-verify", "manifest.json", NAME, key, "signature")
