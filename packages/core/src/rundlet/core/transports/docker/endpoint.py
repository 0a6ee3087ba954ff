"""Where a registry really is, and how far it is trusted: hosts, TLS, certs.d."""

from __future__ import annotations

import os
import socket

from ...errors import InvalidArgument
from ...value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from ...contracts.transport import TransportSettings

# Docker Hub's API answers under another name than images have.
_ADDRESSES = {"docker.io": "registry-1.docker.io"}
CONNECT = 15.0
"""Seconds to connect."""
_ALERT, _HANDSHAKE = b"\x15", b"\x16"
_CERTS = ("/etc/containers/certs.d", "/etc/docker/certs.d")


class Endpoint(Value):
    """host: as in image names; address: what to connect to ("host[:port]").

    verify: whether its certificate must be right. plain: whether HTTP may be spoken, when
    it does not speak TLS. proxy: the URL of the one to reach it by, "" as the environment says.
    """

    host: str
    address: str
    verify: bool = True
    plain: bool = False
    proxy: str = ""


def endpoint(
    host: str, settings: TransportSettings, *, insecure: bool = False, proxy: str = ""
) -> Endpoint:
    """The endpoint of a registry host. insecure, proxy: as registries.conf says.

    Hosts on loopback may speak plain HTTP unless verification is asked for: nobody is
    between them and us.
    """
    address = _ADDRESSES.get(host, host)
    if settings.tls_verify is True:
        return Endpoint(host, address, proxy=proxy)
    if settings.tls_verify is False or insecure:
        return Endpoint(host, address, verify=False, plain=True, proxy=proxy)
    return Endpoint(host, address, plain=is_loopback(host), proxy=proxy)


def is_loopback(host: str) -> bool:
    """Whether a registry host ("name[:port]") is on this machine by its name."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    parts = name.split(".")
    numeric = len(parts) == 4 and all(part.isdecimal() for part in parts)
    return name in ("localhost", "[::1]") or (numeric and parts[0] == "127")


def speaks_tls(address: str) -> bool:
    """Whether what listens at "host[:port]" answers the beginning of a TLS handshake.

    Whoever it is: nothing else is sent. Raises OSError when nothing listens.
    """
    host, port = split(address, "https")
    with connected(host, port) as sock:
        try:
            sock.sendall(_client_hello(host))
            return sock.recv(1) in (_ALERT, _HANDSHAKE)
        except ConnectionResetError:
            return False


def split(address: str, scheme: str) -> tuple[str, int]:
    """Host, without brackets, and port of "host[:port]". Raises ValueError for no number."""
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        host, port = address, ""
    return host.strip("[]"), int(port) if port else {"https": 443}.get(scheme, 80)


def connected(host: str, port: int) -> socket.socket:
    """A connected socket. Raises OSError."""
    sock = socket.create_connection((_ascii(host), port), CONNECT)  # type: ignore[arg-type]  # bytes do too
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _client_hello(host: str) -> bytes:
    """The first message of a TLS client (RFC 8446, 4.1.2; RFC 5246): versions 1.2 and 1.3.

    Made here, for importing ssl takes longer than asking.
    """

    def sized(data: bytes, width: int = 2) -> bytes:
        return len(data).to_bytes(width, "big") + data

    def extension(number: int, data: bytes) -> bytes:
        return number.to_bytes(2, "big") + sized(data)

    groups = bytes.fromhex("001d00170018")
    signatures = bytes.fromhex("040308040401050305050501060106030806")
    extensions = [
        extension(0, sized(b"\0" + sized(_ascii(host)))) if not _numeric(host) else b"",
        extension(10, sized(groups)),
        extension(13, sized(signatures)),
        extension(43, sized(bytes.fromhex("03040303"), 1)),
        extension(51, sized(bytes.fromhex("001d") + sized(os.urandom(32)))),
    ]
    ciphers = bytes.fromhex("130113021303c02bc02fc02cc030cca9cca8009c009d002f0035")
    body = b"\3\3" + os.urandom(32) + b"\0" + sized(ciphers) + b"\1\0"
    message = b"\1" + sized(body + sized(b"".join(extensions)), 3)
    return _HANDSHAKE + b"\3\1" + sized(message)


def _ascii(host: str) -> bytes:
    """A host's name as the network has it. For a string Python would import its IDNA tables."""
    return host.encode("ascii" if host.isascii() else "idna")


def _numeric(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdecimal()


def context(place: Endpoint, settings: TransportSettings) -> ssl.SSLContext:
    """The TLS context: the system's authorities and those of certs.d(5), client certificates, and
    what `tls_details` asks for.

    Raises InvalidArgument naming a file that is none, and as TlsDetails.apply.
    """
    import ssl

    made = ssl.create_default_context()
    made.set_alpn_protocols(["http/1.1"])
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.tls_details is not None:
        settings.tls_details.apply(made)
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
    from ssl import SSLError

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
        except (OSError, SSLError) as error:
            raise InvalidArgument(f"cannot use the certificate {path}: {error}") from None
