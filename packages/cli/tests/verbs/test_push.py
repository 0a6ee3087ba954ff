"""`rundlet push` to real registries and files, read by Debian's skopeo and podman."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devtools.fixtures import needs
from devtools.peers import Podman, skopeo
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.images.lists import Lists

if TYPE_CHECKING:
    from devtools.tool import Rundlet

_BCRYPT_OF_SECRET = "$2b$04$PeOXM3muTKRrWlAbV9XPgO8wWJxAM/GD23lz4TY8NJYMvjKYUgyAu"


def _raw(reference: str) -> dict[str, Any]:
    text = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{reference}")
    document: dict[str, Any] = json.loads(text)
    return document


def test_podman_pulls_what_was_pushed(
    loaded: Rundlet, podman: Podman, registry: Registry, tmp_path: Path
) -> None:
    target = f"{registry.host}/pushed:1"
    done = loaded("push", "--digestfile", str(tmp_path / "digest"), "busybox", target)
    assert done.stdout == ""
    assert "Writing manifest to image destination" in done.stderr
    digest = skopeo(
        "inspect", "--format", "{{.Digest}}", "--tls-verify=false", f"docker://{target}"
    )
    assert (tmp_path / "digest").read_text() == digest.strip()
    podman("pull", "-q", "--tls-verify=false", target)
    ours = loaded("images", "-q", "--no-trunc").stdout
    assert podman("images", "-q", "--no-trunc").stdout == ours


def test_pull_what_podman_pushed(
    rundlet: Rundlet, podman: Podman, registry: Registry, busybox_archive: Path
) -> None:
    podman("load", "-q", "-i", str(busybox_archive))
    target = f"{registry.host}/of-podman:1"
    podman("push", "-q", "--tls-verify=false", "busybox", target)
    identity = rundlet("pull", "-q", target).stdout.strip()
    assert podman("images", "-q", "--no-trunc").stdout.strip() == f"sha256:{identity}"


def test_to_its_own_name_quietly(loaded: Rundlet, registry: Registry) -> None:
    target = f"{registry.host}/own:2"
    loaded("tag", "busybox", target)
    done = loaded("push", "--quiet", target)
    assert done.stdout + done.stderr == ""
    assert _raw(target)["layers"]
    again = loaded("push", f"docker://{target}")
    assert "skipped: already exists" in again.stderr


def test_zstd(loaded: Rundlet, podman: Podman, registry: Registry) -> None:
    target = f"{registry.host}/zstd"
    loaded("push", "-q", "--compression-format", "zstd", "busybox", target)
    (layer,) = _raw(target)["layers"]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+zstd"
    podman("pull", "-q", "--tls-verify=false", target)
    kept = f"{registry.host}/kept"
    loaded("push", "-q", "--compression-format=zstd", "--force-compression=false", "busybox", kept)
    assert _raw(kept)["layers"][0]["mediaType"].endswith("+gzip")


def test_compression_level(loaded: Rundlet, registry: Registry) -> None:
    sizes = []
    for level in ("1", "9"):
        target = f"{registry.host}/level:{level}"
        words = ("--compression-format", "gzip", "--force-compression", "--compression-level")
        loaded("push", "-q", "--format", "oci", *words, level, "busybox", target)
        sizes.append(_raw(target)["layers"][0]["size"])
    layers = {layer["digest"] for layer in _raw(target)["layers"]}
    assert layers
    assert sizes[1] <= sizes[0]


def test_manifest_types(loaded: Rundlet, registry: Registry) -> None:
    for form, kind in (
        ("oci", "application/vnd.oci.image.manifest.v1+json"),
        ("v2s2", "application/vnd.docker.distribution.manifest.v2+json"),
        ("docker", "application/vnd.docker.distribution.manifest.v2+json"),
    ):
        target = f"{registry.host}/types:{form}"
        loaded("push", "-q", "--format", form, "busybox", target)
        assert _raw(target)["mediaType"] == kind


@pytest.mark.parametrize(
    ("destination", "transport"),
    [
        ("oci:{}/layout:tag", "oci:{}/layout:tag"),
        ("oci-archive:{}/a.tar:tag", "oci-archive:{}/a.tar:tag"),
        ("docker-archive:{}/a.tar:x/y:tag", "docker-archive:{}/a.tar"),
        ("dir:{}/directory", "dir:{}/directory"),
    ],
)
def test_to_files(loaded: Rundlet, tmp_path: Path, destination: str, transport: str) -> None:
    loaded("push", "-q", "busybox", destination.format(tmp_path))
    config = json.loads(skopeo("inspect", "--config", transport.format(tmp_path)))
    assert config["config"]["Cmd"] == ["sh"]
    skopeo("copy", "-q", transport.format(tmp_path), f"dir:{tmp_path}/read")


def test_compress_is_for_directories(loaded: Rundlet, tmp_path: Path) -> None:
    done = loaded("push", "--compress", "busybox", f"oci:{tmp_path}/l", check=False)
    assert done.returncode == 125
    assert "--compress can be set only when the transport is 'dir'" in done.stderr
    loaded("push", "-q", "--compress", "busybox", f"dir:{tmp_path}/d")


def test_remove_signatures_and_content_trust_are_understood(
    loaded: Rundlet, tmp_path: Path
) -> None:
    loaded("push", "-q", "--remove-signatures", "--disable-content-trust", "busybox",
           f"dir:{tmp_path}/d")  # fmt: skip


def test_errors_name_the_thing(loaded: Rundlet, registry: Registry, tmp_path: Path) -> None:
    def fails(*words: str) -> str:
        done = loaded("push", *words, check=False)
        assert (done.returncode, done.stdout) == (125, "")
        return done.stderr

    assert fails("nosuch") == "Error: nosuch: image not known\n"
    assert "localhost:1" in fails("--retry", "0", "busybox", "localhost:1/x")
    missing = fails("--digestfile", str(tmp_path / "no/such"), "busybox", f"dir:{tmp_path}/d")
    assert f"{tmp_path}/no/such" in missing
    assert "could not read password" in fails("--creds", "me", "busybox", f"{registry.host}/x")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with TLS by its own authority, that wants a password."""
    needs("docker-registry", "openssl")
    directory = tmp_path_factory.mktemp("guarded")
    key, certificate = directory / "key.pem", directory / "ca.crt"
    words = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    files = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run(["openssl", "req", *words, *names, *files], check=True, capture_output=True)
    assert ssl.create_default_context(cafile=str(certificate))
    (directory / "htpasswd").write_text(f"me:{_BCRYPT_OF_SECRET}\n")
    where = directory / "registry"
    with Registry(where, tls=(certificate, key), htpasswd=directory / "htpasswd") as running:
        yield running


def test_tls_and_password(loaded: Rundlet, guarded: Registry, tmp_path: Path) -> None:
    certificates = tmp_path / "certs"
    certificates.mkdir()
    assert guarded.tls is not None
    (certificates / "ca.crt").write_bytes(guarded.tls[0].read_bytes())
    target, trusting = f"{guarded.host}/x:1", ("--cert-dir", str(certificates))

    untrusted = loaded("push", "--creds", "me:secret", "busybox", target, check=False)
    assert untrusted.returncode == 125
    assert "certificate" in untrusted.stderr
    nobody = loaded("push", *trusting, "busybox", target, check=False)
    assert nobody.returncode == 125
    wrong = loaded("push", *trusting, "--creds", "me:wrong", "busybox", target, check=False)
    assert wrong.returncode == 125
    assert "wrong" not in wrong.stderr.replace("wrong password", "")
    loaded("push", "-q", *trusting, "--creds", "me:secret", "busybox", target)
    loaded("push", "-q", "--tls-verify=false", "--creds", "me:secret", "busybox", target)

    loaded.environment["REGISTRY_AUTH_FILE"] = str(tmp_path / "kept.json")
    (tmp_path / "password").write_text("secret")
    loaded("secret", "create", "me", str(tmp_path / "password"))
    loaded("login", *trusting, "--secret", "me", guarded.host)  # its name is the user's, too
    assert loaded("login", "--get-login", guarded.host).stdout == "me\n"
    both = loaded("login", "--secret", "me", "-p", "x", guarded.host, check=False)
    assert (both.returncode, "--secret can not be used" in both.stderr) == (125, True)
    del loaded.environment["REGISTRY_AUTH_FILE"]

    auth = tmp_path / "auth.json"
    auth.write_text(json.dumps({"auths": {guarded.host: {"auth": "bWU6c2VjcmV0"}}}))
    loaded("push", "-q", *trusting, "--auth-file", str(auth), "busybox", f"{guarded.host}/x:2")
    listed = json.loads(
        skopeo(
            "list-tags", "--creds", "me:secret", "--tls-verify=false", f"docker://{guarded.host}/x"
        )
    )
    assert sorted(listed["Tags"]) == ["1", "2"]


def test_the_image_of_a_list_for_a_platform(
    loaded: Rundlet, registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "Containerfile").write_text("FROM scratch\nENV A=1\n")
    loaded("build", "-q", "--platform=linux/arm64", "-t=other", str(tmp_path))
    places = {name: f"{loaded.directory}/{name}" for name in ("root", "run")}
    with Engine(root=places["root"], runroot=places["run"]) as engine:
        Lists(engine).include("both", [engine.images.get(name) for name in ("busybox", "other")])
    target = f"{registry.host}/both:1"
    for name in ("both", "other"):
        loaded("push", "-q", "--platform=linux/arm64", name, target)
        words = ("inspect", "--config", "--override-arch=arm64", "--tls-verify=false")
        config = json.loads(skopeo(*words, f"docker://{target}"))
        assert (config["architecture"], config["config"]["Env"][-1]) == ("arm64", "A=1")
    done = loaded("push", "--platform=linux/s390x", "both", target, check=False)
    assert done.returncode == 125 and "no image for platform linux/s390x" in done.stderr


def test_a_list_means_its_image_for_this_machine(
    loaded: Rundlet, registry: Registry, tmp_path: Path
) -> None:
    """As in podman: where an image is wanted. Without one for this machine, push sends all."""
    (tmp_path / "Containerfile").write_text("FROM scratch\nENV A=1\n")
    loaded("build", "-q", "--platform=linux/arm64", "-t=other", str(tmp_path))
    loaded("manifest", "create", "both", "other", "busybox")
    assert loaded("run", "--rm", "--network=none", "both", "echo", "hi").stdout == "hi\n"
    assert loaded("ps", "-a", "-q").stdout == ""
    target = f"{registry.host}/of-a-list:1"
    loaded("push", "-q", "both", target)
    assert "manifests" not in _raw(target)
    loaded("manifest", "remove", "both", loaded("inspect", "-f={{.Digest}}", "both").stdout.strip())
    conf = tmp_path / "containers.conf"
    conf.write_text('[engine]\nadd_compression = ["zstd"]\n')
    loaded.environment["CONTAINERS_CONF"] = str(conf)
    loaded("push", "-q", "both", target)
    architectures = [one["platform"]["architecture"] for one in _raw(target)["manifests"]]
    assert architectures == ["arm64", "arm64"], "and one with zstd, as add_compression says"
