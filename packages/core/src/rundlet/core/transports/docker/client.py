"""HTTP to one registry: connections kept, authorization, retries, redirects, typed errors.

One client serves all threads of a copy. A server that is silent for `STALL` seconds (or the
transport option `stall`) has failed. (OCI distribution-spec 1.1.)
"""

from __future__ import annotations

import threading
import time
from urllib.parse import urljoin, urlsplit

from ... import __version__
from ...errors import RegistryError
from . import failures
from .auth import Authenticator
from .endpoint import context, speaks_tls
from .pool import Pool
from .proxies import proxy
from .response import HTTPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...contracts.transport import TransportSettings
    from .credentials import Credentials
    from .endpoint import Endpoint
    from .response import Response

STALL = 60.0
COMMIT = 600.0
"""Seconds without a byte, and for a registry to check a blob that it has received."""

_LONGEST_WAIT = 30.0
_RETRIED = (408, 429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
_AGENT = f"rundlet/{__version__}"
_VERSION = "registry/2.0"
_SIGNATURES = "X-Registry-Supports-Signatures"


class Client:
    """Requests to one endpoint (a registry, or a mirror of one)."""

    def __init__(
        self, endpoint: Endpoint, settings: TransportSettings, credentials: Credentials | None
    ) -> None:
        self.endpoint = endpoint
        self._settings = settings
        self.retries = 3 if settings.retries is None else settings.retries
        self.retry_delay = 0.5 if settings.retry_delay is None else settings.retry_delay
        self._tries = 1 + self.retries
        self._stall = float(settings.options.get("stall", STALL))
        prefix = str(settings.options.get("user_agent_prefix") or "").split()
        self._sent = {
            "User-Agent": " ".join((*prefix, _AGENT)),
            "Docker-Distribution-Api-Version": _VERSION,
        }
        # All trust what the registry's certs.d says.
        self._pool = Pool(lambda: context(endpoint, settings), endpoint.proxy)
        self._lock = threading.Lock()
        self._base = ""
        self._signatures = False
        self._auth = Authenticator(
            endpoint.host,
            credentials,
            self._ask_token_server,
            settings.bearer_token,
            plain=endpoint.plain,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    @property
    def base(self) -> str:
        """`scheme://address`, found out by the first request (`/v2/`)."""
        with self._lock:
            if not self._base:
                self._base = self._ping()
            return self._base

    @property
    def keeps_signatures(self) -> bool:
        """Whether the registry has the extension for simple signatures (`X-R-S-S`)."""
        return bool(self.base) and self._signatures

    def _ping(self) -> str:
        """Which scheme the registry speaks, and how it wants to be asked."""
        address = self.endpoint.address
        base = f"https://{address}"
        try:
            if self.endpoint.plain and not self._speaks_tls():
                base = f"http://{address}"
            return self._ping_at(base)
        except (HTTPError, OSError) as error:
            what = f"pinging container registry {self.endpoint.host}: GET {base}/v2/"
            raise failures.unreachable(what, error) from None

    def _speaks_tls(self) -> bool:
        """Whether an insecure registry does. Raises OSError when nobody is there."""
        address = self.endpoint.address
        if self.endpoint.proxy or proxy(address, "https"):
            try:
                self._once("GET", f"https://{address}/v2/", {}, None, self._stall).drain()
            except HTTPError:
                return False
            return True
        try:
            return speaks_tls(address)
        except OSError:
            if proxy(address, "http"):
                return False  # only the proxy knows where it is
            raise

    def _ping_at(self, base: str) -> str:
        wait = self.retry_delay
        for attempt in range(1, self._tries + 1):
            try:
                response = self._once("GET", f"{base}/v2/", {}, None, self._stall)
            except HTTPError as error:
                if attempt == self._tries or not failures.is_transient(error):
                    raise
            else:
                if response.status in (200, 401):
                    self._signatures = response.headers.get(_SIGNATURES) == "1"
                    if response.status == 401:
                        self._auth.challenged(_challenge(response), "")
                    response.drain()
                    return base
                if response.status not in _RETRIED or attempt == self._tries:
                    raise failures.answered(self.endpoint.host, "GET /v2/", response)
                wait = _retry_after(response, wait)
                response.drain()
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        raise AssertionError("unreachable")

    def request(
        self,
        method: str,
        path: str,
        *,
        scope: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        expect: tuple[int, ...] = (200,),
        timeout: float = 0,
    ) -> Response:
        """One request, tried again where that can help; the caller reads and releases it.

        path: below `/v2/`, or a whole URL (an upload's location). scope: of the token.
        timeout: seconds without a byte, 0 for the usual.
        Raises MissingInRegistry, Unauthorized, RegistryError with the registry's own words,
        TimedOut.
        """
        url = self.url(path)
        wait, challenged = self.retry_delay, False
        attempt = 0
        while True:
            attempt += 1
            try:
                response, own = self._follow(method, url, scope, headers, body, timeout)
            except HTTPError as error:
                if attempt == self._tries or not failures.is_transient(error):
                    raise failures.unreachable(f"{method} {url}", error) from None
                time.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            if response.status in expect:
                return response
            # Who it sends us to may not say where the registry's credentials go.
            if response.status == 401 and own and not challenged:
                challenged = True
                if self._auth.challenged(_challenge(response), scope):
                    response.drain()
                    attempt -= 1  # an answer to a question is no second try
                    continue
            if response.status in _RETRIED and attempt < self._tries:
                wait = _retry_after(response, wait)
                response.drain()
                time.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
                continue
            raise failures.answered(self.endpoint.host, _shown(method, url), response)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes],
        *,
        scope: str,
        headers: Mapping[str, str],
    ) -> Response:
        """One request with a body that can be read once: an iterable of bytes.

        Not tried again; raises BrokeOff where that could help. The scope's token must be
        known from a request just before. Returns any response.
        """
        url = self.url(path)
        try:
            return self._once(method, url, self._headers(url, scope, headers), body, COMMIT)
        except HTTPError as error:
            text = f"{self.endpoint.host}: {_shown(method, url)}: {failures.reason(error)}"
            if failures.is_transient(error):
                raise failures.BrokeOff(text) from None
            raise RegistryError(text) from None

    def url(self, path: str) -> str:
        """The URL of a path below `/v2/`; a whole URL stays."""
        return path if path.startswith(("http://", "https://")) else f"{self.base}/v2/{path}"

    def _headers(self, url: str, scope: str, headers: Mapping[str, str] | None) -> dict[str, str]:
        sent = dict(headers or {})
        # Only the registry itself gets its credentials, never who it sends us to.
        if _origin(url) == self.base and (authorization := self._auth.header(scope)):
            sent["Authorization"] = authorization
        return sent

    def _follow(
        self,
        method: str,
        url: str,
        scope: str,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        timeout: float,
    ) -> tuple[Response, bool]:
        """The response at the end of all redirects, and whether the registry itself gave it."""
        for _ in range(_MOST_REDIRECTS):
            sent = self._headers(url, scope, headers)
            response = self._once(method, url, sent, body, timeout or self._stall)
            if response.status not in _REDIRECTS or method not in ("GET", "HEAD"):
                return response, _origin(url) == self.base
            target = urljoin(url, response.headers.get("Location", ""))
            response.drain()
            if urlsplit(target).scheme != "https" and url.startswith("https:"):
                raise RegistryError(f"{_shown(method, url)}: redirected from https to {target!r}")
            url = target
        raise RegistryError(f"{_shown(method, url)}: more than {_MOST_REDIRECTS} redirects")

    def _once(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | Iterable[bytes] | None,
        timeout: float,
    ) -> Response:
        return self._pool.request(method, url, {**self._sent, **headers}, body, timeout)

    def _ask_token_server(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        try:
            response = self._once(method, url, headers, body, self._stall)
            return response.status, response.read_all(1 << 20)
        except HTTPError as error:
            what = f"{self.endpoint.host}: token server {method} {_origin(url)}"
            raise failures.unreachable(what, error) from None


def _challenge(response: Response) -> str:
    return ", ".join(response.headers.all("WWW-Authenticate"))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _shown(method: str, url: str) -> str:
    """A request for people: without query, which may hold a signature."""
    return f"{method} {urlsplit(url).path}"


def _retry_after(response: Response, default: float) -> float:
    """Seconds that the server asks for (RFC 9110, 10.2.3), within reason."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return min(float(value), _LONGEST_WAIT)
    if not value:
        return default
    from email.utils import parsedate_to_datetime

    try:
        until = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError):
        return default
    return min(max(until - time.time(), 0.0), _LONGEST_WAIT)
