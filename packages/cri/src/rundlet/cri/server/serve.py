"""A server from its socket to its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from functools import partial

import grpc

from rundlet.core.errors import AlreadyExists, RundletError, StoreError

from ..containers.exits import watch
from ..containers.service import ContainerCalls
from ..images.service import ImageService
from ..pods.repair import repair
from ..pods.service import PodCalls
from ..proto import api_pb2 as cri
from ..runtime.service import NodeCalls
from ..stats.service import StatsCalls
from ..streams.server import Address, StreamServer
from ..streams.service import StreamCalls
from .calls import handler
from .node import Load, Node
from .options import Options
from .telling import tell

LOG = logging.getLogger("rundlet.cri")
LARGEST_MESSAGE = 16 * 1024 * 1024  # bytes; kubelet's own limit


def main(load: Load) -> int:
    """Serve until SIGTERM or SIGINT; 0 then. Raises SettingsError, StoreError, AlreadyExists."""
    asyncio.run(_serve(Node(load)))
    return 0


async def _serve(node: Node) -> None:
    path = node.options.listen
    _free(path)
    streams = StreamServer(node.workers, _stream_address(node.options))
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ("grpc.so_reuseport", 0),
        ]
    )
    server.add_generic_rpc_handlers(
        (
            handler("ImageService", ImageService(node.workers)),
            handler(
                "RuntimeService",
                NodeCalls(node),
                PodCalls(node),
                ContainerCalls(node),
                StatsCalls(node),
                StreamCalls(node, streams),
            ),
        )
    )
    await node.workers.run(repair)
    await streams.start()
    before = os.umask(0o077)  # the socket is root's alone
    server.add_insecure_port(f"unix:{path}")
    os.umask(before)
    await server.start()
    exits = asyncio.create_task(watch(node.workers, partial(_stopped, node)))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _reload, node)
    _tell("READY=1")
    LOG.info("serving on %s", path)
    await stop.wait()
    _tell("STOPPING=1")
    exits.cancel()
    node.events.close()
    await server.stop(node.options.shutdown_timeout)
    await streams.close()
    await node.workers.finish(node.options.shutdown_timeout)
    node.workers.close()


def _stream_address(options: Options) -> Address:
    return Address(
        options.stream_address,
        options.stream_port,
        options.stream_certificate,
        options.stream_key,
    )


async def _stopped(node: Node, container: str, pod: str) -> None:
    await tell(node, container, pod, cri.CONTAINER_STOPPED_EVENT)


def _free(path: str) -> None:
    """Make way for the socket. Raises AlreadyExists when a server answers there, StoreError."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(path)
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        os.unlink(path)
        return
    except OSError as error:
        raise StoreError(f"cannot listen on {path}: {error.strerror}") from error
    raise AlreadyExists(f"another server listens on {path}", remedy="stop it, or use --listen")


def _reload(node: Node) -> None:
    try:
        node.reload()
        LOG.info("configuration read again")
    except RundletError as error:
        LOG.error("the configuration stays as it was: %s", error)


def _tell(state: str) -> None:
    """sd_notify(3): one datagram to systemd, where it started us."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        try:
            notify.connect("\0" + address[1:] if address.startswith("@") else address)
            notify.send(state.encode())
        except OSError as error:
            LOG.warning("systemd was not told %s: %s", state, error)
