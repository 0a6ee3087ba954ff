"""Single-use tokens: what Exec, Attach and PortForward answer, and the streaming server takes."""

from __future__ import annotations

import secrets
import time

from rundlet.core.errors import Busy

from ..proto import api_pb2 as cri

LIFE = 60.0
"""Seconds that a client has to come with its token."""
MOST = 1000
"""Tokens at once, as in CRI-O."""

Request = cri.ExecRequest | cri.AttachRequest | cri.PortForwardRequest


class Tickets:
    """Requests that were checked and wait for their clients."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[float, Request]] = {}

    def issue(self, request: Request) -> str:
        """A token that nobody can guess. Raises Busy when too many wait."""
        self._forget_old()
        if len(self._waiting) >= MOST:
            raise Busy("too many streaming requests wait for their clients")
        token = secrets.token_urlsafe(16)
        self._waiting[token] = (time.monotonic() + LIFE, request)
        return token

    def take(self, token: str, kind: str) -> Request | None:
        """The request of a token ("exec", "attach", "portforward"), once and in time."""
        self._forget_old()
        _, request = self._waiting.get(token, (0.0, None))
        if request is None or type(request) is not _KINDS.get(kind):
            return None
        del self._waiting[token]
        return request

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._waiting = {key: one for key, one in self._waiting.items() if one[0] > now}


_KINDS: dict[str, type[Request]] = {
    "exec": cri.ExecRequest,
    "attach": cri.AttachRequest,
    "portforward": cri.PortForwardRequest,
}
