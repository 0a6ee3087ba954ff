"""Small documents over HTTP: signatures in lookaside stores, answers of Rekor and Fulcio.

Bounded in size and time, whatever the server does. Proxies are those of the environment.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from .. import __version__
from ..errors import Corrupt, InvalidArgument, RegistryError, TimedOut
from ..value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_STALL = 30.0
_WHOLE = 120.0
"""Seconds without a byte, and for a whole answer."""
_PIECE = 1 << 16


class Answer(Value):
    """status: of HTTP. location: where the thing is that it speaks of, or ""."""

    status: int
    data: bytes
    location: str = ""


def ask(
    url: str,
    *,
    limit: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """GET, or POST with a body; whatever the status is.

    limit: bytes of an answer. Raises Corrupt for a longer one, InvalidArgument for what is no
    URL of HTTP, RegistryError, TimedOut.
    """
    sent = {"User-Agent": f"rundlet/{__version__}", **(headers or {})}
    try:
        request = Request(url, data=body, headers=sent)
        if request.type not in ("http", "https"):
            raise InvalidArgument(f"{url}: expected http:// or https://")
        try:
            response = urlopen(request, timeout=_STALL)
        except HTTPError as error:
            response = error
        with response:
            data = _read(response, url, limit)
            return Answer(response.status or 0, data, response.headers.get("Location", ""))
    except TimeoutError:
        raise TimedOut(f"{url}: no answer for {_STALL:.0f} seconds") from None
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise TimedOut(f"{url}: no answer for {_STALL:.0f} seconds") from None
        raise RegistryError(f"{url}: {error.reason}") from None
    except OSError as error:
        raise RegistryError(f"{url}: {error}") from None
    except ValueError as error:
        raise InvalidArgument(f"{url}: {error}") from None


def _read(response: Any, url: str, limit: int) -> bytes:
    deadline = time.monotonic() + _WHOLE
    found = bytearray()
    while piece := response.read1(_PIECE):
        found += piece
        if len(found) > limit:
            raise Corrupt(f"{url}: the answer is larger than {limit} bytes")
        if time.monotonic() > deadline:
            raise TimedOut(f"{url}: the answer took more than {_WHOLE:.0f} seconds")
    return bytes(found)
