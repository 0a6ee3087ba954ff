"""Where a registry really is: docker.io's API host, insecure hosts, certificates of certs.d."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...value import Value

if TYPE_CHECKING:
    from ...contracts.transport import TransportSettings

_ALIASES = {"docker.io": "registry-1.docker.io"}
_CERTS = ("/etc/containers/certs.d", "/etc/docker/certs.d")


class Endpoint(Value):
    """host: as in image names; address: what to connect to ("host[:port]").

    insecure: certificates are not verified, and plain HTTP is tried.
    """

    host: str
    address: str
    insecure: bool = False

    def certificates(self, settings: TransportSettings) -> tuple[str, str, str]:
        """(CA bundle text, client certificate, its key) of certs.d(5); "" for none."""
        directories = [str(settings.cert_dir)] if settings.cert_dir else []
        if not directories:
            home = os.path.expanduser("~/.config/containers/certs.d")
            directories = [f"{base}/{self.host}" for base in (home, *_CERTS)]
        for directory in directories:
            if os.path.isdir(directory):
                return _certificates(directory)
        return "", "", ""


def _certificates(directory: str) -> tuple[str, str, str]:
    names = sorted(os.listdir(directory))
    authorities = []
    for name in names:
        if name.endswith(".crt"):
            with open(f"{directory}/{name}", encoding="ascii", errors="replace") as file:
                authorities.append(file.read())
    for name in names:
        key = name.removesuffix(".cert") + ".key"
        if name.endswith(".cert") and key in names:
            return "\n".join(authorities), f"{directory}/{name}", f"{directory}/{key}"
    return "\n".join(authorities), "", ""


def endpoint(host: str, settings: TransportSettings) -> Endpoint:
    """The endpoint of a registry host, with what the client says of TLS.

    Loopback hosts may speak plain HTTP unless verification is asked for (as docker).
    """
    insecure = settings.tls_verify is False
    if settings.tls_verify is None:
        insecure = is_loopback(host) or host in settings.options.get("insecure", ())
    return Endpoint(host, _ALIASES.get(host, host), insecure)


def is_loopback(host: str) -> bool:
    """Whether a registry host is on this machine by its name."""
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    return name in ("localhost", "[::1]") or name.startswith("127.")
