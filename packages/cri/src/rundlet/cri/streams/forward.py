"""Port-forward: a connection to a port of a pod, made inside its network namespace."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from rundlet.core import Engine
from rundlet.core.errors import InvalidArgument, NetworkError, RundletError, WrongState
from rundlet.core.networks.namespace import Inside

from ..pods import options, record
from ..pods.paths import Paths
from ..server.work import Workers
from .stream import Stream

_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


async def connect(
    workers: Workers, pod: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a TCP port on the pod's loopback.

    Raises NoSuchPod, WrongState for a pod that is not ready, InvalidArgument, NetworkError
    when nothing listens.
    """
    return await asyncio.open_connection(sock=await workers.run(_connect, pod, port))


def _connect(engine: Engine, identity: str, port: int) -> socket.socket:
    if not 0 < port < 65536:
        raise InvalidArgument(f"port-forward: {port} is no TCP port")
    pod = record.find(engine, identity)
    if not pod.ready:
        raise WrongState(f"pod {pod.id} is not ready")
    host = options.host_network(pod.sandbox)
    there = contextlib.nullcontext() if host else Inside(Paths(engine, pod.id).netns)
    refused: OSError | None = None
    with there:
        for family, address in _LOOPBACKS:
            try:
                made = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:  # a kernel without IPv6
                refused = refused or error
                continue
            try:
                made.connect((address, port))
            except OSError as error:
                made.close()
                refused = refused or error
            else:
                made.setblocking(False)
                return made
    reason = refused.strerror if refused is not None else "no address"
    raise NetworkError(f"pod {pod.id}: port {port}: {reason}")


async def serve(workers: Workers, pod: str, port: int, data: Stream, error: Stream) -> None:
    """One connection of a client, until both sides have ended; problems go to `error`."""
    try:
        reader, writer = await connect(workers, pod, port)
    except RundletError as problem:
        await error.write(str(problem).encode())
        await error.close()
        await data.close()
        return
    try:
        await asyncio.gather(_to_pod(data, writer), _to_client(reader, data))
    except ConnectionError as problem:
        await error.write(f"port {port}: {problem}".encode())
    finally:
        writer.close()
    await data.close()
    await error.close()


async def _to_pod(data: Stream, writer: asyncio.StreamWriter) -> None:
    while block := await data.read():
        writer.write(block)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _to_client(reader: asyncio.StreamReader, data: Stream) -> None:
    while block := await reader.read(65536):
        await data.write(block)
    await data.close()
