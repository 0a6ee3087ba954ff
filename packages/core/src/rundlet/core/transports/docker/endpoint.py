"""Where a registry really is, and how far it is trusted: hosts, TLS, certs.d, proxies."""

from __future__ import annotations

import os
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

from ...errors import InvalidArgument
from ...value import Value

if TYPE_CHECKING:
    from ...contracts.transport import TransportSettings

# Docker Hub's API answers under another name than images have.
_ADDRESSES = {"docker.io": "registry-1.docker.io"}
CONNECT = 15.0
"""Seconds to connect."""
_CERTS = ("/etc/containers/certs.d", "/etc/docker/certs.d")


class Endpoint(Value):
    """host: as in image names; address: what to connect to ("host[:port]").

    verify: whether its certificate must be right. plain: whether HTTP may be spoken, when
    it does not speak TLS.
    """

    host: str
    address: str
    verify: bool = True
    plain: bool = False


def endpoint(host: str, settings: TransportSettings, *, insecure: bool = False) -> Endpoint:
    """The endpoint of a registry host. insecure: as registries.conf says.

    Hosts on loopback may speak plain HTTP unless verification is asked for: nobody is
    between them and us.
    """
    address = _ADDRESSES.get(host, host)
    if settings.tls_verify is True:
        return Endpoint(host, address)
    if settings.tls_verify is False or insecure:
        return Endpoint(host, address, verify=False, plain=True)
    return Endpoint(host, address, plain=is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether a registry host ("name[:port]") is on this machine by its name."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    parts = name.split(".")
    numeric = len(parts) == 4 and all(part.isdecimal() for part in parts)
    return name in ("localhost", "[::1]") or (numeric and parts[0] == "127")


def speaks_tls(address: str) -> bool:
    """Whether what listens at "host[:port]" answers a TLS handshake, whoever it is.

    Raises OSError when nothing listens. Nothing is sent but the handshake.
    """
    host, _, port = address.rpartition(":") if not address.endswith("]") else (address, "", "")
    host, port = (host, port) if host else (address, "443")
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    with socket.create_connection((host.strip("[]"), int(port)), CONNECT) as plain:
        try:
            with unverified.wrap_socket(plain, server_hostname=host.strip("[]")):
                return True
        except (ssl.SSLError, ConnectionResetError) as error:
            return getattr(error, "reason", "") == "TLSV1_ALERT_PROTOCOL_VERSION"


def context(place: Endpoint, settings: TransportSettings) -> ssl.SSLContext:
    """The TLS context: the system's authorities and those of certs.d(5), client certificates.

    Raises InvalidArgument naming a file that is none.
    """
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if not place.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    for directory in _certificate_directories(place.host, settings):
        if os.path.isdir(directory):
            _load(made, directory)
            break
    return made


def _certificate_directories(host: str, settings: TransportSettings) -> list[str]:
    if settings.cert_dir:
        if not os.path.isdir(settings.cert_dir):
            raise InvalidArgument(f"certificate directory {settings.cert_dir} does not exist")
        return [str(settings.cert_dir)]
    configured = settings.options.get("certs_dirs") or _CERTS
    own = os.path.expanduser("~/.config/containers/certs.d")
    return [f"{base}/{host}" for base in (own, *configured)]


def _load(made: ssl.SSLContext, directory: str) -> None:
    """`*.crt` are authorities; `NAME.cert` with `NAME.key` identify us."""
    names = sorted(os.listdir(directory))
    for name in names:
        path = os.path.join(directory, name)
        try:
            if name.endswith(".crt"):
                made.load_verify_locations(cafile=path)
            elif name.endswith(".cert"):
                key = name.removesuffix(".cert") + ".key"
                if key not in names:
                    raise InvalidArgument(f"{path} has no key {key} beside it")
                made.load_cert_chain(path, os.path.join(directory, key))
        except (OSError, ssl.SSLError) as error:
            raise InvalidArgument(f"cannot use the certificate {path}: {error}") from None


def proxy(address: str, scheme: str) -> str:
    """The proxy for an address by HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or ""."""
    if is_loopback(address) or proxy_bypass(address):
        return ""
    return getproxies().get(scheme, "")
