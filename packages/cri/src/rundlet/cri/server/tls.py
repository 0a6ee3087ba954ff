"""TLS of the streaming server and of metrics; files that change are read again."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Sequence

from rundlet.core.errors import SettingsError
from rundlet.core.transports.docker.tls_details import openssl_name

LOG = logging.getLogger("rundlet.cri")
_VERSIONS = {"VersionTLS12": ssl.TLSVersion.TLSv1_2, "VersionTLS13": ssl.TLSVersion.TLSv1_3}


class Tls:
    """certificate, key, authorities: paths of PEM files, "" for none. authorities: whose clients
    may connect, and no others. oldest: a key of crio.conf's tls_min_version. ciphers: of TLS 1.2,
    by IANA's or OpenSSL's names.
    """

    def __init__(
        self,
        certificate: str = "",
        key: str = "",
        authorities: str = "",
        oldest: str = "VersionTLS12",
        ciphers: Sequence[str] = (),
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._authorities = authorities
        self._oldest = oldest
        self._ciphers = ciphers
        self._context: ssl.SSLContext | None = None

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(path for path in (self._certificate, self._key, self._authorities) if path)

    def context(self) -> ssl.SSLContext | None:
        """For a server; None without a certificate. Raises SettingsError."""
        if not self._certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _VERSIONS[self._oldest]
        try:
            if self._ciphers:
                context.set_ciphers(":".join(openssl_name(name) for name in self._ciphers))
            self._load(context)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"TLS with {', '.join(self.files)}: {error}") from error
        self._context = context
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        context.load_cert_chain(self._certificate, self._key or None)
        if self._authorities:
            context.load_verify_locations(self._authorities)
            context.verify_mode = ssl.CERT_REQUIRED

    def reload(self) -> None:
        """New connections have the files as they are now; broken ones are not taken over."""
        if self._context is None:
            return
        try:
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # half a pair must not be taken
            self._load(self._context)
            LOG.info("TLS: %s read again", self._certificate)
        except (OSError, ssl.SSLError) as error:
            LOG.error("TLS stays as it was: %s: %s", self._certificate, error)
