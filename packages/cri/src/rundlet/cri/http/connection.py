"""One HTTP/1.1 connection: requests without bodies, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import h11

from rundlet.core.errors import RundletError
from rundlet.core.value import Value

LOG = logging.getLogger("rundlet.cri")
IDLE = 60.0  # seconds that a client may be silent
_CHUNK = 65536


class Answer(Value):
    """body: text is UTF-8. kind: its media type."""

    body: bytes = b""
    status: int = 200
    kind: str = "text/plain; charset=utf-8"


Respond = Callable[[str, str], Awaitable[Answer]]
"""Method and path, without the query, to an answer."""


async def serve(
    respond: Respond, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer requests until the client leaves. Its faults end the connection, not more."""
    connection = h11.Connection(h11.SERVER)
    try:
        while connection.states[h11.CLIENT] is not h11.MUST_CLOSE:
            request = await asyncio.wait_for(_request(connection, reader), IDLE)
            if request is None:
                break
            answer = await _answered(respond, request)
            headers = [
                ("Content-Type", answer.kind),
                ("Content-Length", str(len(answer.body))),
            ]
            writer.write(
                connection.send(h11.Response(status_code=answer.status, headers=headers)) or b""
            )
            if request.method != b"HEAD":
                writer.write(connection.send(h11.Data(data=answer.body)) or b"")
            writer.write(connection.send(h11.EndOfMessage()) or b"")
            await writer.drain()
            if connection.our_state is h11.MUST_CLOSE:
                break
            connection.start_next_cycle()
    except (ConnectionError, TimeoutError, h11.ProtocolError) as error:
        LOG.debug("an HTTP client: %s", error)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The next request, read whole; None when the client has left."""
    request: h11.Request | None = None
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            return request
        elif isinstance(event, h11.ConnectionClosed):
            return None


async def _answered(respond: Respond, request: h11.Request) -> Answer:
    path = request.target.decode(errors="replace").partition("?")[0]
    method = request.method.decode(errors="replace")
    try:
        return await respond("GET" if method == "HEAD" else method, path)
    except RundletError as error:
        return Answer(f"{error}\n".encode(), error.http_status)
    except Exception as error:  # a defect of ours: the server lives
        LOG.exception("HTTP %s %s failed", method, path)
        return Answer(f"{error!r}\n".encode(), 500)
