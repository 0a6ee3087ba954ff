"""Connections to servers and proxies, kept for the next request (HTTP/1.1 keep-alive)."""

from __future__ import annotations

import threading
from urllib.parse import unquote, urlsplit

from .endpoint import CONNECT, connected, split
from .proxies import proxy
from .response import HTTPError
from .wire import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterable, Mapping

    from .response import Response

_MOST_IDLE = 16


class Pool:
    """Requests to any server. context: makes the TLS context of all, when it is first needed.

    through: the URL of the proxy for all of them, "" as the environment says.
    """

    def __init__(self, context: Callable[[], ssl.SSLContext], through: str = "") -> None:
        self._make_context = context
        self._through = through
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str, str], list[Connection]] = {}
        self._closed = False

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None,
        timeout: float,
    ) -> Response:
        """One request, on a kept connection where there is one; the caller reads the response.

        timeout: seconds without a byte. Raises HTTPError.
        """
        parts = urlsplit(url)
        through = self._through or proxy(parts.netloc, parts.scheme)
        key = (parts.scheme, parts.netloc, through)
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        sent = {"Host": parts.netloc.rpartition("@")[2], **headers}
        if through and parts.scheme == "http":
            target = f"http://{parts.netloc}{target}"
            sent.update(_proxy_authorization(through))

        def give_back(connection: Connection) -> None:
            self._keep(key, connection)

        while True:
            connection = self._kept(key)
            kept = connection is not None
            if connection is None:
                connection = self._connect(*key)
            try:
                connection.limit(timeout)
                return connection.request(method, target, sent, body, give_back)
            except HTTPError as error:
                connection.close()
                # It was closed just as it was used again: that says nothing of the server.
                again = kept and method in ("GET", "HEAD")
                if not again or isinstance(error.cause, TimeoutError):
                    raise
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        """Close what is idle; what is in use is closed after that."""
        with self._lock:
            self._closed = True
            idle = [one for group in self._idle.values() for one in group]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _kept(self, key: tuple[str, str, str]) -> Connection | None:
        while True:
            with self._lock:
                group = self._idle.get(key)
                if not group:
                    return None
                connection = group.pop()
            if not connection.stale:
                return connection
            connection.close()

    def _keep(self, key: tuple[str, str, str], connection: Connection) -> None:
        with self._lock:
            group = self._idle.setdefault(key, [])
            if not self._closed and len(group) < _MOST_IDLE:
                group.append(connection)
                return
        connection.close()

    def _connect(self, scheme: str, netloc: str, through: str) -> Connection:
        try:
            host, port = split(netloc, scheme)
            sock = self._proxied(scheme, netloc, through) if through else connected(host, port)
            if scheme == "https":
                sock = self._secured(sock, host)
            return Connection(sock)
        except (OSError, ValueError) as error:
            cause = error if isinstance(error, OSError) else None
            raise HTTPError(f"connecting to {netloc}: {error}", cause) from None

    def _secured(self, sock: socket.socket, host: str) -> socket.socket:
        with self._lock:
            if self._context is None:
                self._context = self._make_context()
        try:
            return self._context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise

    def _proxied(self, scheme: str, netloc: str, through: str) -> socket.socket:
        """A socket that leads to the proxy, or through it when TLS is to be spoken there."""
        parts = urlsplit(through)
        if parts.scheme not in ("http", "https"):
            raise ValueError(f"{parts.scheme}://{parts.hostname} is no HTTP or HTTPS proxy")
        sock = connected(*split(parts.netloc.rpartition("@")[2], parts.scheme))
        if parts.scheme == "https":
            sock = self._secured(sock, parts.hostname or "")
        if scheme != "https":
            return sock
        try:
            _tunnel(sock, "{}:{}".format(*split(netloc, scheme)), through)
        except BaseException:
            sock.close()
            raise
        if parts.scheme == "https":
            from .tunnel import relayed

            return relayed(sock)
        return sock


def _tunnel(sock: socket.socket, target: str, through: str) -> None:
    """Ask a proxy for a tunnel (RFC 9110, 9.3.6). Raises HTTPError."""
    headers = {"Host": target, **_proxy_authorization(through)}
    asking = Connection(sock)
    asking.limit(CONNECT)
    response = asking.request("CONNECT", target, headers, None, lambda _: None)
    if response.status != 200:
        raise HTTPError(f"the proxy {urlsplit(through).hostname} answered {response.status}")


def _proxy_authorization(through: str) -> dict[str, str]:
    parts = urlsplit(through)
    if not parts.username:
        return {}
    from base64 import b64encode

    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
