"""Remote commands: exec and attach over streams, and how their outcome is told.

Protocols v1 to v5 of `channel.k8s.io` (kubernetes/apimachinery, remotecommand): from v3 on
there is a resize stream, from v4 on the outcome is a Status object on the error stream.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping

from rundlet.core.errors import RundletError

from ..proto import api_pb2 as cri
from ..server.work import Workers
from . import sessions
from .stream import Stream

STDIN, STDOUT, STDERR, ERROR, RESIZE = "stdin", "stdout", "stderr", "error", "resize"
CHANNELS = (STDIN, STDOUT, STDERR, ERROR, RESIZE)
"""Numbers of WebSocket channels."""

Request = cri.ExecRequest | cri.AttachRequest


def wanted(request: Request, protocol: str) -> set[str]:
    """The streams that a client of a protocol opens for a request."""
    found = {ERROR}
    found |= {STDIN} if request.stdin else set()
    found |= {STDOUT} if request.stdout else set()
    found |= {STDERR} if request.stderr and not request.tty else set()
    if request.tty and _version(protocol) >= 3:
        found.add(RESIZE)
    return found


def _version(protocol: str) -> int:
    return int(protocol[1]) if protocol[:1] == "v" and protocol[1:2].isdecimal() else 1


class Client:
    """The ends of a session (`ends.Ends`) on a client's streams."""

    def __init__(self, streams: Mapping[str, Stream]) -> None:
        self._streams = streams

    async def read(self) -> bytes:
        """Some standard input."""
        return await self._streams[STDIN].read()

    async def write(self, data: bytes, *, stderr: bool) -> None:
        """Send output; of a kind that the client did not ask for, none."""
        stream = self._streams.get(STDERR if stderr else STDOUT)
        if stream is not None:
            await stream.write(data)

    async def sizes(self) -> AsyncIterator[tuple[int, int]]:
        """Rows and columns, from JSON objects one after another."""
        stream = self._streams.get(RESIZE)
        if stream is None:
            return
        decoder, text = json.JSONDecoder(), ""
        while data := await stream.read():
            text = (text + data.decode(errors="replace")).lstrip()
            while text:
                try:
                    size, end = decoder.raw_decode(text)
                except ValueError:
                    break  # the rest is still to come
                text = text[end:].lstrip()
                if isinstance(size, dict):
                    yield int(size.get("Height") or 0), int(size.get("Width") or 0)


async def serve(
    workers: Workers, request: Request, streams: Mapping[str, Stream], protocol: str
) -> None:
    """Carry a request out and tell its outcome. Raises ConnectionError when the client is gone."""
    client = Client(streams)
    problem = b""
    try:
        if isinstance(request, cri.ExecRequest):
            code = await sessions.execute(
                workers, request.container_id, list(request.cmd), terminal=request.tty,
                ends=client, stdin=request.stdin,
            )  # fmt: skip
            problem = _exited(code, protocol)
        else:
            await sessions.attach(workers, request.container_id, ends=client, stdin=request.stdin)
            problem = _success(protocol)
    except RundletError as error:
        problem = _failed(str(error), protocol)
    if problem:
        await streams[ERROR].write(problem)
    for stream in streams.values():
        await stream.close()


def _success(protocol: str) -> bytes:
    return _status({"status": "Success"}) if _version(protocol) >= 4 else b""


def _exited(code: int, protocol: str) -> bytes:
    if code == 0:
        return _success(protocol)
    message = f"command terminated with non-zero exit code: exit status {code}"
    if _version(protocol) < 4:
        return message.encode()
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return _status(
        {
            "status": "Failure",
            "reason": "NonZeroExitCode",
            "message": message,
            "details": {"causes": causes},
        }
    )


def _failed(message: str, protocol: str) -> bytes:
    if _version(protocol) < 4:
        return message.encode()
    causes = [{"message": message}]
    return _status(
        {
            "status": "Failure",
            "reason": "InternalError",
            "message": f"Internal error occurred: {message}",
            "details": {"causes": causes},
            "code": 500,
        }
    )


def _status(fields: Mapping[str, object]) -> bytes:
    return json.dumps({"metadata": {}, **fields}).encode()
