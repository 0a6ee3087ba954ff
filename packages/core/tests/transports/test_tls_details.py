"""containers-tls-details.yaml(5): what a handshake agrees on, and files that are none."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from devtools.certificates import Authority
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import InvalidArgument, NotFound
from rundlet.core.transports.docker.endpoint import Endpoint, context, endpoint
from rundlet.core.transports.docker.tls_details import openssl_name, read

SUITE = "TLS_CHACHA20_POLY1305_SHA256"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server that would agree to anything usual, but to groups of one only."""
    certificate, key = Authority(tmp_path_factory.mktemp("ca")).issue("server")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.set_ecdh_curve("secp384r1")
    return made


def agreed(server: ssl.SSLContext, text: str, tmp_path: Path) -> tuple[str, str]:
    """The version and cipher of a handshake of a client with these details.

    Raises ssl.SSLError where they cannot agree.
    """
    file = tmp_path / "details.yaml"
    file.write_text(text)
    settings = TransportSettings(tls_verify=False, tls_details=read(str(file)))
    client = context(Endpoint("localhost", "localhost", verify=False), settings)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    cipher = ours.cipher()
    assert cipher is not None
    return str(ours.version()), str(cipher[0])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", ("TLSv1.3", "TLS_AES_256_GCM_SHA384")),
        (f"minVersion: 1.3\ncipherSuites: [{SUITE}]", ("TLSv1.3", SUITE)),
        (
            "cipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
            ("TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ),
        ('{"namedGroups": ["x25519", "secp384r1"]}', ("TLSv1.3", "TLS_AES_256_GCM_SHA384")),
    ],
)
def test_what_is_agreed_on(
    server: ssl.SSLContext, tmp_path: Path, text: str, found: tuple[str, str]
) -> None:
    assert agreed(server, text, tmp_path) == found


def test_a_group_that_the_server_has_not(server: ssl.SSLContext, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLError):
        agreed(server, "namedGroups: [x25519, secp256r1]", tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("minVersion: '2'", "minVersion: '2' is no version"),
        ("minimum: 1.2", "expected minVersion, cipherSuites, namedGroups"),
        ("[a, b]", "expected minVersion"),
        ("a: [", "not YAML"),
        ("namedGroups: x25519", "namedGroups: expected a list"),
        ("namedGroups: [x25519, none]", "x25519, none"),
        ("namedGroups: []", "none"),
        ("cipherSuites: []", "cipherSuites: not all"),
        ("cipherSuites: [TLS_NONE]", "TLS_NONE"),
        (f"cipherSuites: [{SUITE}, TLS_RSA_WITH_NONE]", "TLS_RSA_WITH_NONE"),
        ("cipherSuites: [TLS_RSA_WITH_AES_128_GCM_SHA256, TLS_A_WITH_B]", "TLS_A_WITH_B"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    server: ssl.SSLContext, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InvalidArgument, match=r"details\.yaml: ") as refused:
        agreed(server, text, tmp_path)
    assert said in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot read"):
        read(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("iana", "openssl"),
    [
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
        ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
        ("AES256-SHA", "AES256-SHA"),
    ],
)
def test_names_of_ciphers(iana: str, openssl: str) -> None:
    assert openssl_name(iana) == openssl
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(openssl)


@pytest.mark.parametrize(
    "host, asked, verify, plain",
    [
        ("example.com", None, True, False),
        ("localhost:5000", None, True, True),
        ("localhost:5000", True, True, False),
        ("example.com", False, False, True),
    ],
)
def test_certificates_are_checked_unless_told_otherwise(
    host: str, asked: bool | None, verify: bool, plain: bool
) -> None:
    place = endpoint(host, TransportSettings(tls_verify=asked))
    assert (place.verify, place.plain) == (verify, plain)
