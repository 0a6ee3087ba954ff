"""Serving metrics: on a TCP port, by TLS where there is a certificate, and on a unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
from functools import partial

from rundlet.core.errors import SettingsError

from ..config.model import Config
from ..http.connection import serve
from ..server.socket import free
from ..server.tls import Tls
from .metrics import Metrics

_T = "crio.metrics"


class MetricsServer:
    """Listens while the server lives."""

    def __init__(self, config: Config, metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics
        self._servers: list[asyncio.Server] = []
        self.tls = Tls(
            config.text(f"{_T}.metrics_cert"),
            config.text(f"{_T}.metrics_key"),
            "",
            config.text("crio.api.tls_min_version"),
            config.texts("crio.api.tls_cipher_suites"),
        )
        self._socket = config.text(f"{_T}.metrics_socket").removeprefix("unix://")

    async def start(self) -> None:
        """Raises SettingsError when that cannot be, AlreadyExists, StoreError."""
        client = partial(serve, self._metrics.respond)
        host = self._config.text(f"{_T}.metrics_host")
        port = self._config.number(f"{_T}.metrics_port")
        try:
            self._servers.append(
                await asyncio.start_server(client, host, port, ssl=self.tls.context())
            )
        except (OSError, OverflowError) as error:
            raise SettingsError(f"metrics cannot be served on {host}:{port}: {error}") from error
        if self._socket:
            free(self._socket)
            self._servers.append(await asyncio.start_unix_server(client, self._socket))

    async def close(self) -> None:
        """Listen no more."""
        for server in self._servers:
            server.close()
        if self._socket:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._socket)
