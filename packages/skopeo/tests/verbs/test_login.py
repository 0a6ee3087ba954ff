"""`login`, `logout` and the credentials of `copy`, with a registry that has TLS and a password."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.certificates import Authority
from devtools.fixtures import needs
from devtools.registry import Registry

HTPASSWD = "me:$2b$04$PeOXM3muTKRrWlAbV9XPgO8wWJxAM/GD23lz4TY8NJYMvjKYUgyAu\n"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as containers-certs.d(5) has them, trusting `guarded`."""
    return tmp_path_factory.mktemp("certs")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[Registry]:
    needs("docker-registry", "openssl")
    directory = tmp_path_factory.mktemp("guarded")
    authority = Authority(directory / "authority")
    (certificates / "ca.crt").write_bytes(authority.certificate.read_bytes())
    (directory / "htpasswd").write_text(HTPASSWD)
    with Registry(
        directory, tls=authority.issue("server"), htpasswd=directory / "htpasswd"
    ) as registry:
        yield registry


def test_in_and_out(
    tool: Any, guarded: Registry, certificates: Path, image_layout: Path, tmp_path: Path
) -> None:
    place, cert = f"docker://{guarded.host}/in/out:1", f"--cert-dir={certificates}"
    copy = ("copy", "-q", f"--dest-cert-dir={certificates}", f"oci:{image_layout}:busybox", place)
    assert "Log in to" in tool.refused(*copy)
    said = tool("login", cert, "-u", "me", "-p", "secret", guarded.host)
    assert said.stdout == "Login Succeeded!\n"
    assert tool("login", "--get-login", guarded.host).stdout == "me\n"
    tool(*copy)
    assert tool.json("inspect", cert, place)["Name"] == f"{guarded.host}/in/out"
    # Debian's skopeo finds what ours kept.
    words = ["skopeo", "inspect", f"--authfile={tmp_path}/auth.json", cert, place]
    found = subprocess.run(words, check=True, capture_output=True)
    assert json.loads(found.stdout)["Architecture"] == "amd64"
    details = tmp_path / "tls.yaml"
    details.write_text("cipherSuites: [TLS_CHACHA20_POLY1305_SHA256]")
    tool("--tls-details", str(details), "inspect", cert, place)
    details.write_text("cipherSuites: [TLS_RSA_WITH_AES_256_CBC_SHA256]")  # Go has it no more
    for words in (("inspect", cert, place), ("login", cert, guarded.host)):
        assert "handshake failure" in tool.refused("--tls-details", str(details), *words)
    docker = f"--compat-auth-file={tmp_path}/config.json"
    said = tool("login", cert, docker, "-v", "-u", "me", "-p", "secret", guarded.host)
    assert said.stdout == f"Used:  {tmp_path}/config.json\nLogin Succeeded!\n"
    both = (docker, f"--authfile={tmp_path}/auth.json")
    for words in (("login", *both), ("logout", *both)):
        assert "can not be set simultaneously" in tool.refused(*words, guarded.host)
    twice = ("-u", "me", "-p", "secret", "--password-stdin")
    assert "--password-stdin and --password" in tool.refused("login", cert, *twice, guarded.host)
    assert guarded.host in json.loads((tmp_path / "config.json").read_text())["auths"]
    tool("logout", docker, guarded.host)
    assert "not logged into" in tool.refused("login", docker, "--get-login", guarded.host)
    tool("logout", "--tls-verify=false", guarded.host)
    assert "--password-stdin" in tool.refused("login", cert, "-u", "me", guarded.host)
    assert "--username" in tool.refused("login", cert, guarded.host)
    assert "Log in to" in tool.refused("inspect", cert, place)


def test_theirs_is_found(
    tool: Any, guarded: Registry, certificates: Path, image_layout: Path, tmp_path: Path
) -> None:
    words = ["login", f"--authfile={tmp_path}/auth.json", f"--cert-dir={certificates}"]
    words += ["-u", "me", "--password-stdin", guarded.host]
    subprocess.run(["skopeo", *words], check=True, input=b"secret", capture_output=True)
    words = ["copy", "-q", f"--dest-cert-dir={certificates}", f"oci:{image_layout}:busybox"]
    tool(*words, f"docker://{guarded.host}/theirs:1")


@pytest.mark.parametrize(
    "words",
    [
        ("--dest-creds", "me:secret", "--dest-tls-verify=false"),
        ("--dcreds", "me:secret", "--tls-verify=false"),
        ("--dest-username", "me", "--dest-password", "secret", "--dest-cert-dir", "CERTS"),
    ],
)
def test_credentials_of_one_end(
    tool: Any, guarded: Registry, certificates: Path, image_layout: Path, words: tuple[str, ...]
) -> None:
    given = [word.replace("CERTS", str(certificates)) for word in words]
    tool("copy", "-q", *given, f"oci:{image_layout}:busybox", f"docker://{guarded.host}/ends:1")
    given = [word.replace("dest-", "src-").replace("dcreds", "screds") for word in given]
    tool("copy", "-q", *given, f"docker://{guarded.host}/ends:1", "dir:out")


def test_refused(tool: Any, guarded: Registry, certificates: Path, image_layout: Path) -> None:
    copy = ("copy", f"oci:{image_layout}:busybox", f"docker://{guarded.host}/no:1")
    cert = f"--dest-cert-dir={certificates}"
    assert "not trusted" in tool.refused(*copy, "--dest-creds", "me:secret")
    assert "unauthorized" in tool.refused(*copy, cert, "--dest-creds", "me:wrong").lower()
    assert "Log in" in tool.refused(*copy, cert, "--dest-no-creds")
    said = tool.refused("login", "-u", "me", "-p", "no", f"--cert-dir={certificates}", guarded.host)
    assert "invalid username/password" in said


def test_sync_with_credentials_of_a_file(
    tool: Any, guarded: Registry, certificates: Path, image_layout: Path, tmp_path: Path
) -> None:
    words = ("--dest-creds", "me:secret", f"--dest-cert-dir={certificates}")
    tool("copy", *words, f"oci:{image_layout}:busybox", f"docker://{guarded.host}/listed:1")
    (tmp_path / "sync.yml").write_text(f"""
{guarded.host}:
    images: {{listed: ["1"]}}
    credentials: {{username: me, password: secret}}
    cert-dir: {certificates}
""")
    tool("sync", "--src", "yaml", "--dest", "dir", "sync.yml", f"{tmp_path}/out")
    assert (tmp_path / "out/listed:1/manifest.json").exists()
