"""HTTP to one registry: connections kept, TLS, retries, redirects, typed errors.

One client serves all threads of a copy. Reading a body may stall no longer than
`STALL` seconds; a broken download goes on where it stopped (see source.py).
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from ... import __version__
from ...errors import NotFound, RegistryError, Unauthorized
from .auth import Authenticator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...contracts.transport import TransportSettings
    from .credentials import Credentials
    from .endpoint import Endpoint

CONNECT = 15.0
STALL = 60.0
"""Seconds: to connect, and without a byte."""

_TRIES = 4
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_RETRIED = (429, 500, 502, 503, 504)
_MOST_REDIRECTS = 10


class Client:
    """Requests to one endpoint (a registry or a mirror of it)."""

    def __init__(
        self,
        endpoint: Endpoint,
        settings: TransportSettings,
        credentials: Credentials | None,
    ) -> None:
        self.endpoint = endpoint
        self._pool = _pool(endpoint, settings)
        self._base = ""
        self.auth = Authenticator(
            endpoint.host, credentials, self._token_request, settings.bearer_token
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    @property
    def base(self) -> str:
        """`scheme://host`, found out by the first request (`/v2/`)."""
        if not self._base:
            self._base = self._ping()
        return self._base

    def _ping(self) -> str:
        schemes = ["https"]
        if self.endpoint.insecure:
            schemes.append("http")
        last: Exception | None = None
        for scheme in schemes:
            base = f"{scheme}://{self.endpoint.address}"
            try:
                response = self._once("GET", f"{base}/v2/", {}, None)
            except HTTPError as error:
                last = error
                continue
            header = response.headers.get("WWW-Authenticate", "")
            response.drain_conn()
            response.release_conn()
            if response.status == 401:
                self.auth.challenged(header, "")
            if response.status in (200, 401):
                return base
            last = RegistryError(f"GET {base}/v2/: {response.status}")
        raise self._unreachable(last)

    def _unreachable(self, error: Exception | None) -> RegistryError:
        reason = getattr(error, "reason", None) or error
        hint = ""
        if isinstance(reason, SSLError):
            hint = (
                "If the registry speaks plain HTTP or has a certificate of its own: "
                "--tls-verify=false, or its CA in certs.d."
            )
        return RegistryError(
            f"pinging container registry {self.endpoint.host}: {_plain(reason)}", remedy=hint
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        scope: str,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        expect: tuple[int, ...] = (200,),
        preload: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """One request, with authorization, retries and redirects; the caller closes it.

        path: below `/v2/`, or a whole URL (an upload's location). body: bytes, or a file
        that can seek (it is sent again on a retry). Raises NotFound, Unauthorized,
        RegistryError with the registry's own message.
        """
        url = path if path.startswith("http") else f"{self.base}/v2/{path}"
        wait, challenged = _FIRST_WAIT, False
        for attempt in range(1, _TRIES + 1):
            sent = dict(headers or {})
            # Only the registry itself gets its credentials, never who it redirects to.
            if _origin(url) == self.base and (authorization := self.auth.header(scope)):
                sent["Authorization"] = authorization
            if hasattr(body, "seek"):
                body.seek(0)
            try:
                response = self._follow(method, url, sent, body)
            except HTTPError as error:
                if attempt == _TRIES or not _transient(error):
                    raise self._unreachable(error) from None
                time.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            if response.status in expect:
                if preload:
                    response.read(cache_content=True)
                return response
            if response.status == 401 and not challenged:
                challenged = True
                header = response.headers.get("WWW-Authenticate", "")
                response.drain_conn()
                if self.auth.challenged(header, scope):
                    continue
            if response.status in _RETRIED and attempt < _TRIES:
                time.sleep(_retry_after(response, wait))
                wait = min(wait * 2, _LONGEST_WAIT)
                response.drain_conn()
                continue
            raise self._failure(method, url, response)
        raise RegistryError(f"{method} {url}: gave up after {_TRIES} tries")

    def _follow(
        self, method: str, url: str, headers: dict[str, str], body: Any
    ) -> urllib3.BaseHTTPResponse:
        for _ in range(_MOST_REDIRECTS):
            response = self._once(method, url, headers, body)
            if response.status not in (301, 302, 303, 307, 308) or method not in ("GET", "HEAD"):
                return response
            target = urljoin(url, response.headers.get("Location", ""))
            response.drain_conn()
            if _origin(target) != _origin(url):
                headers = {k: v for k, v in headers.items() if k != "Authorization"}
            if urlsplit(target).scheme != "https" and url.startswith("https"):
                raise RegistryError(f"{method} {url}: redirected from https to {target!r}")
            url = target
        raise RegistryError(f"{method} {url}: more than {_MOST_REDIRECTS} redirects")

    def _once(
        self, method: str, url: str, headers: dict[str, str], body: Any
    ) -> urllib3.BaseHTTPResponse:
        agent = {
            "User-Agent": f"rundlet/{__version__}",
            "Docker-Distribution-Api-Version": "registry/2.0",
        }
        return self._pool.request(
            method,
            url,
            headers={**agent, **headers},
            body=body,
            preload_content=False,
            redirect=False,
            retries=False,
            decode_content=False,
        )

    def _token_request(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        try:
            response = self._once(method, url, headers, body)
            return response.status, response.read(1 << 20) or b""
        except HTTPError as error:
            raise RegistryError(f"token server {url}: {_plain(error)}") from None

    def _failure(self, method: str, url: str, response: urllib3.BaseHTTPResponse) -> Exception:
        data = response.read(1 << 16) or b""
        response.release_conn()
        message = _message(data) or f"status {response.status}"
        path = urlsplit(url).path
        text = f"{self.endpoint.host}: {method} {path}: {message}"
        if response.status == 404:
            return NotFound(text)
        if response.status in (401, 403):
            return Unauthorized(text, remedy=f"Log in: rundlet login {self.endpoint.host}")
        return RegistryError(text)


def _pool(endpoint: Endpoint, settings: TransportSettings) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "num_pools": 8,
        "maxsize": 16,
        "timeout": urllib3.Timeout(connect=CONNECT, read=STALL),
    }
    if endpoint.insecure:
        options["cert_reqs"] = "CERT_NONE"
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    authority, certificate, key = endpoint.certificates(settings)
    if authority and not endpoint.insecure:
        options["ca_cert_data"] = authority
    if certificate:
        options["cert_file"], options["key_file"] = certificate, key
    proxy = _proxy(endpoint.address)
    if proxy:
        return urllib3.ProxyManager(proxy, **options)
    return urllib3.PoolManager(**options)


def _proxy(address: str) -> str:
    """HTTPS_PROXY and NO_PROXY, as curl reads them."""
    from urllib.request import getproxies, proxy_bypass

    host = address.rpartition(":")[0] or address
    if host in ("localhost", "127.0.0.1", "[::1]") or proxy_bypass(address):
        return ""
    return getproxies().get("https", "")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _transient(error: HTTPError) -> bool:
    reason = error.reason if isinstance(error, MaxRetryError) else error
    return not isinstance(reason, SSLError)


def _retry_after(response: urllib3.BaseHTTPResponse, default: float) -> float:
    value = response.headers.get("Retry-After", "")
    return min(float(value), _LONGEST_WAIT) if value.isdigit() else default


def _message(data: bytes) -> str:
    """The errors of a distribution error document (spec.md#error-codes)."""
    try:
        errors = json.loads(data)["errors"]
        return "; ".join(
            f"{item.get('code', '').lower().replace('_', ' ')}: {item.get('message', '')}".strip(
                ": "
            )
            for item in errors
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _plain(error: object) -> str:
    """urllib3's errors without their object addresses."""
    text = str(error)
    return text.rpartition(">: ")[2] or text
