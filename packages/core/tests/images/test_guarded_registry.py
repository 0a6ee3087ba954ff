"""A real registry with TLS and a password: what is refused, and what gets in."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools import images
from devtools.certificates import Authority
from devtools.fixtures import needs
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.contracts.transport import ManifestBytes, TransportSettings
from rundlet.core.errors import InvalidArgument, NoSuchImage, RegistryError, Unauthorized
from rundlet.core.images.descriptor import Descriptor
from rundlet.core.images.digests import digest_of
from rundlet.core.testing.transport import SampleImage, read_all
from rundlet.core.transports.docker.transport import DockerTransport

HTPASSWD = "me:$2b$04$PeOXM3muTKRrWlAbV9XPgO8wWJxAM/GD23lz4TY8NJYMvjKYUgyAu\n"
ME = ("me", "secret")
ENCODED = "bWU6c2VjcmV0"  # me:secret


class Guarded:
    """The registry, its authority, and the credentials that it takes."""

    def __init__(self, registry: Registry, authority: Authority) -> None:
        self.registry = registry
        self.host = registry.host
        self.authority = authority
        self.name = f"{registry.host}/team/busybox:1"

    def certificates(self, directory: Path) -> Path:
        """A directory as containers-certs.d(5) wants it, that trusts the authority."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "ca.crt").write_bytes(self.authority.certificate.read_bytes())
        return directory

    def settings(self, directory: Path) -> TransportSettings:
        """What is right for it."""
        return TransportSettings(credentials=ME, cert_dir=self.certificates(directory))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    needs("openssl")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, image_layout: Path
) -> Iterator[Guarded]:
    needs("docker-registry", "skopeo")
    directory = tmp_path_factory.mktemp("guarded")
    passwords = directory / "htpasswd"
    passwords.write_text(HTPASSWD)
    with Registry(directory, tls=authority.issue("server"), htpasswd=passwords) as registry:
        made = Guarded(registry, authority)
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "-q", "--dest-creds", "me:secret",
             "--dest-tls-verify=false", f"oci:{image_layout}:busybox", f"docker://{made.name}"],
            check=True,
        )  # fmt: skip
        yield made


@pytest.fixture
def no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An auth file of the test's own, that is empty."""
    file = tmp_path / "auth.json"
    file.write_text("{}")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    return file


@pytest.mark.usefixtures("no_logins")
def test_pull_and_push(engine: Engine, guarded: Guarded, tmp_path: Path) -> None:
    settings = guarded.settings(tmp_path / "certs")
    image = engine.images.pull(guarded.name, settings=settings)
    assert image.names == (guarded.name,)
    other = f"{guarded.host}/team/other:1"
    digest = engine.images.push(guarded.name, other, settings=settings)
    told = subprocess.run(
        ["skopeo", "inspect", "--creds", "me:secret", "--tls-verify=false", f"docker://{other}"],
        check=True, capture_output=True,
    )  # fmt: skip
    assert json.loads(told.stdout)["Digest"] == digest


@pytest.mark.usefixtures("nothing_stored", "no_logins")
@pytest.mark.parametrize("credentials", [None, ("me", "wrong"), ("you", "secret"), ("", "")])
def test_wrong_credentials(
    engine: Engine, guarded: Guarded, tmp_path: Path, credentials: tuple[str, str] | None
) -> None:
    settings = guarded.settings(tmp_path / "certs").replace(credentials=credentials)
    with pytest.raises(Unauthorized, match=guarded.host) as caught:
        engine.images.pull(guarded.name, settings=settings)
    assert "Log in" in caught.value.remedy


@pytest.mark.usefixtures("nothing_stored", "no_logins")
@pytest.mark.parametrize("verify", [None, True])
def test_an_unknown_authority_is_refused(
    engine: Engine, guarded: Guarded, verify: bool | None
) -> None:
    settings = TransportSettings(credentials=ME, tls_verify=verify)
    with pytest.raises(RegistryError, match="not trusted") as caught:
        engine.images.pull(guarded.name, settings=settings)
    assert "certs.d" in caught.value.remedy


@pytest.mark.usefixtures("no_logins")
def test_unverified_when_asked_to(engine: Engine, guarded: Guarded) -> None:
    settings = TransportSettings(credentials=ME, tls_verify=False)
    assert engine.images.pull(guarded.name, settings=settings)


@pytest.mark.usefixtures("nothing_stored", "no_logins")
def test_a_certificate_of_another_host(
    engine: Engine, authority: Authority, tmp_path: Path
) -> None:
    pair = authority.issue("elsewhere", "DNS:elsewhere.example")
    with Registry(tmp_path / "registry", tls=pair) as registry:
        made = Guarded(registry, authority)
        with pytest.raises(RegistryError, match="not trusted"):
            engine.images.pull(made.name, settings=made.settings(tmp_path / "certs"))


@pytest.mark.usefixtures("nothing_stored", "no_logins")
def test_tls_where_none_is_spoken(engine: Engine, registry: Registry) -> None:
    """A plain registry, and --tls-verify=true."""
    with pytest.raises(RegistryError, match=registry.host) as caught:
        engine.images.pull(f"{registry.host}/busybox", settings=TransportSettings(tls_verify=True))
    assert "--tls-verify=false" in caught.value.remedy


# --- certs.d


@pytest.mark.usefixtures("no_logins")
def test_certs_d_of_the_host(engine: Engine, guarded: Guarded, tmp_path: Path) -> None:
    """Authorities are found by "host:port" in the usual directories (containers-certs.d(5))."""
    guarded.certificates(tmp_path / "certs.d" / guarded.host)
    engine.settings = engine.settings.replace(certs_dirs=(f"{tmp_path}/certs.d",))
    assert engine.images.pull(guarded.name, settings=TransportSettings(credentials=ME))


@pytest.mark.usefixtures("no_logins")
def test_certs_d_of_the_user(
    engine: Engine, guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    guarded.certificates(tmp_path / ".config/containers/certs.d" / guarded.host)
    assert engine.images.pull(guarded.name, settings=TransportSettings(credentials=ME))


@pytest.mark.usefixtures("nothing_stored", "no_logins")
def test_certs_d_of_another_host_counts_for_nothing(
    engine: Engine, guarded: Guarded, tmp_path: Path
) -> None:
    guarded.certificates(tmp_path / "certs.d" / "localhost")
    settings = TransportSettings(credentials=ME, options={"certs_dirs": [tmp_path / "certs.d"]})
    with pytest.raises(RegistryError, match="not trusted"):
        engine.images.pull(guarded.name, settings=settings)


@pytest.mark.usefixtures("no_logins")
def test_a_client_certificate(
    engine: Engine, authority: Authority, tmp_path: Path, image_layout: Path
) -> None:
    """`NAME.cert` and `NAME.key` are shown to a registry that wants to know who asks."""
    pair = authority.issue("server")
    with Registry(tmp_path / "registry", tls=pair, clients=authority.certificate) as registry:
        made = Guarded(registry, authority)
        directory = made.certificates(tmp_path / "certs")
        settings = TransportSettings(cert_dir=directory, retries=0)
        with pytest.raises(RegistryError, match=registry.host):
            engine.images.pull(made.name, settings=settings)
        certificate, key = authority.issue("client")
        (directory / "client.cert").write_bytes(certificate.read_bytes())
        with pytest.raises(InvalidArgument, match=r"no key client\.key"):
            engine.images.pull(made.name, settings=settings)
        (directory / "client.key").write_bytes(key.read_bytes())
        with pytest.raises(NoSuchImage):
            engine.images.pull(made.name, settings=settings)


@pytest.mark.usefixtures("nothing_stored", "no_logins")
@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_broken_certificate_is_named(
    engine: Engine, guarded: Guarded, tmp_path: Path, content: bytes
) -> None:
    settings = guarded.settings(tmp_path / "certs")
    (tmp_path / "certs/ca.crt").write_bytes(content)
    with pytest.raises(InvalidArgument, match=r"certs/ca\.crt"):
        engine.images.pull(guarded.name, settings=settings)


# --- auth.json


@pytest.mark.parametrize("key", ["{host}", "{host}/team", "{host}/team/busybox", "https://{host}"])
def test_logins_by_host_and_namespace(
    engine: Engine, guarded: Guarded, tmp_path: Path, no_logins: Path, key: str
) -> None:
    entry = {key.format(host=guarded.host): {"auth": ENCODED}}
    no_logins.write_text(json.dumps({"auths": entry}))
    settings = guarded.settings(tmp_path / "certs").replace(credentials=None)
    assert engine.images.pull(guarded.name, settings=settings)


@pytest.mark.parametrize("key", ["{host}/other", "{host}/tea", "{host}/team/busy", "localhost"])
def test_logins_of_others_are_not_used(
    engine: Engine, guarded: Guarded, tmp_path: Path, no_logins: Path, key: str
) -> None:
    entry = {key.format(host=guarded.host): {"auth": ENCODED}}
    no_logins.write_text(json.dumps({"auths": entry}))
    settings = guarded.settings(tmp_path / "certs").replace(credentials=None)
    with pytest.raises(Unauthorized):
        engine.images.pull(guarded.name, settings=settings)


def test_the_most_specific_login_counts(
    engine: Engine, guarded: Guarded, tmp_path: Path, no_logins: Path
) -> None:
    wrong = {"auth": "bWU6d3Jvbmc="}
    auths = {guarded.host: wrong, f"{guarded.host}/team": {"auth": ENCODED}}
    no_logins.write_text(json.dumps({"auths": auths}))
    settings = guarded.settings(tmp_path / "certs").replace(credentials=None)
    assert engine.images.pull(guarded.name, settings=settings)


@pytest.mark.parametrize("way", ["credHelpers", "credsStore"])
def test_a_credential_helper_is_asked(
    engine: Engine,
    guarded: Guarded,
    tmp_path: Path,
    no_logins: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    program = tmp_path / "bin/docker-credential-shelf"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'[ "$(cat)" = {guarded.host} ] || exit 1\n'
        """echo '{"ServerURL":"x","Username":"me","Secret":"secret"}'\n"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    document = {
        "credHelpers": {"credHelpers": {guarded.host: "shelf"}},
        "credsStore": {"credsStore": "shelf"},
    }[way]
    no_logins.write_text(json.dumps(document))
    settings = guarded.settings(tmp_path / "certs").replace(credentials=None)
    assert engine.images.pull(guarded.name, settings=settings)


def test_dockers_config_is_read(
    engine: Engine, guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `docker login` kept counts where no other file says anything."""
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/config.json").write_text(
        json.dumps({"auths": {guarded.host: {"auth": ENCODED}}})
    )
    settings = guarded.settings(tmp_path / "certs").replace(credentials=None)
    assert engine.images.pull(guarded.name, settings=settings)


def test_a_broken_auth_file_is_named(
    engine: Engine, guarded: Guarded, tmp_path: Path, no_logins: Path
) -> None:
    settings = guarded.settings(tmp_path / "certs").replace(credentials=None)
    for content in ("{", '{"auths": {"%s": {"auth": "!"}}}' % guarded.host):  # noqa: UP031 (JSON has braces)
        no_logins.write_text(content)
        with pytest.raises(InvalidArgument, match=r"auth file"):
            engine.images.pull(guarded.name, settings=settings)


# --- the distribution specification, with TLS and a password in front


@pytest.mark.usefixtures("no_logins")
def test_the_protocol(guarded: Guarded, tmp_path: Path) -> None:
    """Uploads of every kind, mounts, ranges, manifests, tags, referrers and deletion."""
    docker, settings = DockerTransport(), guarded.settings(tmp_path / "certs")
    repository = f"//{guarded.host}/conformance/all"
    large = os.urandom(3 << 20)
    ways = ((0, True), (0, False), (1 << 20, True))  # in one request, streamed, in pieces
    for number, (chunk, told) in enumerate(ways):
        content = large if not number else os.urandom(3 << 20)
        image = SampleImage([content, b"small"])
        options = {"upload_chunk": chunk}
        place = docker.parse(f"{repository}:{number}")
        with docker.destination(place, settings.replace(options=options)) as out:
            for each in image.descriptors():
                given = each if told else Descriptor("", -1, each.media_type)
                assert out.put_blob(given, io.BytesIO(image.blobs[each.digest])).size == each.size
                assert out.has_blob(each)
            out.put_manifest(image.manifest)
            out.commit()
        if number:
            continue
        layer = image.layers[0]
        with docker.source(place, settings) as source:
            assert source.manifest(digest_of(image.manifest.data)).data == image.manifest.data
            assert read_all(source.blob(layer, 1 << 20)) == image.blobs[layer.digest][1 << 20 :]
            assert source.part(layer, 1000, 24).read(24) == image.blobs[layer.digest][1000:1024]
        mounting = settings.replace(options={"blob_locations": {layer.digest: [repository[2:]]}})
        with docker.destination(docker.parse(f"{repository}-two:1"), mounting) as out:
            assert out.has_blob(layer)  # without a byte
        subject = Descriptor(digest_of(image.manifest.data), len(image.manifest.data))
    assert sorted(docker.tags(docker.parse(repository), settings)) == ["0", "1", "2"]
    refer(docker, repository, subject, settings)
    with docker.source(docker.parse(f"{repository}:0"), settings) as source:
        assert [one.artifact_type for one in source.referrers(subject.digest)] == ["a/sbom"]
    docker.delete(docker.parse(f"{repository}:1"), settings)
    with pytest.raises(NoSuchImage):
        docker.source(docker.parse(f"{repository}:1"), settings).manifest()


def refer(
    docker: DockerTransport, repository: str, subject: Descriptor, settings: TransportSettings
) -> None:
    """Push an artifact about a manifest."""
    config = Descriptor(digest_of(b"{}"), 2, "application/vnd.oci.empty.v1+json")
    document = {
        "schemaVersion": 2,
        "mediaType": images.MANIFEST,
        "artifactType": "a/sbom",
        "config": {"mediaType": config.media_type, "digest": config.digest, "size": 2},
        "layers": [],
        "subject": {
            "mediaType": images.MANIFEST, "digest": subject.digest, "size": subject.size
        },
    }  # fmt: skip
    data = json.dumps(document).encode()
    with docker.destination(docker.parse(f"{repository}@{digest_of(data)}"), settings) as out:
        out.put_blob(config, io.BytesIO(b"{}"))
        out.put_manifest(ManifestBytes(data, images.MANIFEST))
        out.commit()
