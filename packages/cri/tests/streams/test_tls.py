"""Streaming by TLS, for clients that have a certificate."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from devtools.certificates import Authority


def connected(address: str, context: ssl.SSLContext | None = None) -> socket.socket:
    where = urlsplit(address)
    made = socket.create_connection((where.hostname, where.port), timeout=60)
    return made if context is None else context.wrap_socket(made, server_hostname="localhost")


def upgraded(client: socket.socket, address: str) -> bytes:
    path = urlsplit(address).path
    client.sendall(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n".encode()
    )
    return client.recv(4096)


def url(kubelet: Any) -> str:
    container = kubelet.run(kubelet.pod(), "sleep", "1000")
    return str(kubelet.client.exec(container_id=container, cmd=["cat"], stdin=True).url)


@pytest.mark.e2e
def test_only_clients_of_the_authority_are_let_in(
    server: Any, make_kubelet: Any, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "tls")
    certificate, key = authority.issue("server")
    server.crio.write_text(
        f'[crio.api]\nstream_enable_tls = true\nstream_tls_cert = "{certificate}"\n'
        f'stream_tls_key = "{key}"\nstream_tls_ca = "{authority.certificate}"\n'
        'tls_min_version = "VersionTLS12"\n'
        'tls_cipher_suites = ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]\n'
    )
    address = url(make_kubelet())
    assert address.startswith("https://")
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        upgraded(connected(address, context), address)
    context.load_cert_chain(*authority.issue("client"))
    client = connected(address, context)
    cipher = client.cipher()  # type: ignore[attr-defined]
    assert cipher[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    assert b" 101 " in upgraded(client, address)
