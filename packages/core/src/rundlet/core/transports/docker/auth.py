"""Answering a registry's challenge: basic, or bearer tokens per scope.

distribution's token specification (auth/token), RFC 7235 and RFC 6750.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from urllib.parse import urlencode, urlsplit

from ...errors import RegistryError, Unauthorized
from ...value import Value
from .endpoint import is_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .credentials import Credentials

_PARAMETER = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_SCHEME = re.compile(r"(?i)(?:^|,)\s*(bearer|basic)\s+")
# A token is not used in its last seconds: the request still has to get there.
_MARGIN = 10
_SHORTEST = 60


class Challenge(Value):
    """One `WWW-Authenticate` header: scheme in lower case, and its parameters."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def parse(header: str) -> Challenge | None:
    """The strongest challenge we can answer, or None."""
    found: dict[str, Challenge] = {}
    _, *parts = _SCHEME.split(header)
    for scheme, rest in zip(parts[::2], parts[1::2], strict=True):
        fields = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
        found.setdefault(
            scheme.lower(),
            Challenge(
                scheme.lower(),
                fields.get("realm", ""),
                fields.get("service", ""),
                fields.get("scope", ""),
            ),
        )
    return found.get("bearer") or found.get("basic")


class Authenticator:
    """The Authorization header for one registry, renewed when it is refused or expires.

    request: how to ask a token server: (method, url, headers, body) to (status, body).
    token: to send always. plain: credentials may go over HTTP, as to an insecure registry.
    """

    def __init__(
        self,
        host: str,
        credentials: Credentials | None,
        request: Callable[[str, str, dict[str, str], bytes | None], tuple[int, bytes]],
        token: str = "",
        *,
        plain: bool = False,
    ) -> None:
        self._host = host
        self._credentials = credentials
        self._request = request
        self._lock = threading.Lock()
        self._challenge: Challenge | None = None
        self._fixed = token
        self._plain = plain
        self._tokens: dict[str, tuple[str, float]] = {}

    def header(self, scope: str) -> str:
        """What to send now without being asked; "" for nothing."""
        if self._fixed:
            return f"Bearer {self._fixed}"
        challenge = self._challenge
        if challenge is None:
            return ""
        if challenge.scheme == "basic":
            return self._basic()
        with self._lock:
            token, until = self._tokens.get(scope, ("", 0.0))
            if time.monotonic() >= until:
                token = self._fetch(challenge, scope)
        return f"Bearer {token}"

    def challenged(self, header: str, scope: str) -> bool:
        """Take a 401's challenge; whether trying again makes sense."""
        challenge = parse(header)
        if challenge is None or self._fixed:
            return False
        with self._lock:
            again = self._challenge is None or scope in self._tokens
            self._challenge = challenge.replace(scope="")
            self._tokens.pop(scope, None)
        if challenge.scheme == "basic":
            return again and self._credentials is not None
        return True

    def _basic(self) -> str:
        if self._credentials is None:
            return ""
        pair = f"{self._credentials.user}:{self._credentials.password}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def _fetch(self, challenge: Challenge, scope: str) -> str:
        """Get a token for a scope. Called with the lock held."""
        self._check_realm(challenge.realm)
        if self._credentials is not None and self._credentials.identity_token:
            status, body = self._oauth(challenge, scope)
        else:
            query = [("service", challenge.service)] if challenge.service else []
            query += [("scope", part) for part in scope.split(" ") if part]
            headers = {"Authorization": self._basic()} if self._credentials else {}
            separator = "&" if "?" in challenge.realm else "?"
            url = f"{challenge.realm}{separator}{urlencode(query)}"
            status, body = self._request("GET", url, headers, None)
        if status in (401, 403):
            raise Unauthorized(
                f"{self._host}: access to {scope or 'the registry'} was denied by"
                f" {challenge.realm}",
                remedy=f"Log in to {self._host}, or give --creds.",
            )
        if status != 200:
            raise RegistryError(f"{self._host}: token server {challenge.realm} answered {status}")
        return self._keep(scope, body)

    def _check_realm(self, realm: str) -> None:
        """Credentials go to the token server: never in the clear to another machine."""
        parts = urlsplit(realm)
        allowed = not self._credentials or self._plain or is_loopback(parts.netloc)
        if parts.scheme != "https" and not (parts.scheme == "http" and allowed):
            raise RegistryError(
                f"{self._host}: refusing to send credentials to the token server {realm!r}"
            )

    def _oauth(self, challenge: Challenge, scope: str) -> tuple[int, bytes]:
        assert self._credentials is not None
        form = {
            "grant_type": "refresh_token",
            "service": challenge.service,
            "client_id": "rundlet",
            "scope": scope,
            "refresh_token": self._credentials.identity_token,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._request("POST", challenge.realm, headers, urlencode(form).encode())

    def _keep(self, scope: str, body: bytes) -> str:
        try:
            answer: dict[str, Any] = json.loads(body)
            token = str(answer.get("token") or answer["access_token"])
            lifetime = max(int(answer.get("expires_in") or _SHORTEST), _SHORTEST)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RegistryError(f"{self._host}: the token server's answer has no token") from None
        self._tokens[scope] = (token, time.monotonic() + lifetime - _MARGIN)
        return token
