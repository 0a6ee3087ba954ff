"""A server from its socket to its end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from ..config.model import Config
from ..containers.exits import watch
from ..containers.life import killed_for_memory
from ..containers.service import ContainerCalls
from ..http import door
from ..http.api import Api
from ..images.service import ImageService
from ..marks import Marks
from ..pods.service import PodCalls
from ..proto import api_pb2 as cri
from ..rpc.methods import methods
from ..rpc.server import Server
from ..runtime.network import NetworkState
from ..runtime.network import watch as watch_network
from ..runtime.service import NodeCalls
from ..stats.service import StatsCalls
from ..streams.server import Address, StreamServer
from ..streams.service import StreamCalls
from . import reload, socket
from .beginning import prepare
from .node import Load, Node
from .notify import notify, watchdog
from .telling import tell
from .tls import Tls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..telemetry.serving import MetricsServer

LOG = logging.getLogger("rundlet.cri")
GRACE = 10.0  # seconds that calls have to end


def main(load: Load, places: tuple[str, ...] = ()) -> int:
    """Serve until SIGTERM or SIGINT; 0 then. places: files and directories of the
    configuration, which is read again when they change.

    Raises SettingsError, StoreError, AlreadyExists.
    """
    asyncio.run(_serve(Node(load), places))
    return 0


async def _serve(node: Node, places: tuple[str, ...]) -> None:
    path = node.config.text("crio.api.listen").removeprefix("unix://")
    socket.free(path)
    inner = door.grpc_socket(path)
    if inner != path:
        socket.free(inner)
    streams = StreamServer(node.workers, _stream_address(node.config))
    network = NetworkState()
    server = _server(node, streams, network)
    marks = Marks(node.workers.setup)
    await node.workers.run(prepare, marks)
    async with AsyncExitStack() as ending:
        ending.callback(marks.end)
        ending.push_async_callback(_finish, node)
        ending.callback(node.observer.close)
        await streams.start()
        ending.push_async_callback(streams.close)
        secured = [streams.tls]
        metrics = await _metrics(node, ending)
        secured += [metrics.tls] if metrics is not None else []
        ending.callback(node.kept.close)  # after the last call
        server.start(inner)
        ending.push_async_callback(server.stop, GRACE)
        ending.callback(node.events.close)
        front = door.Door(path, Api(node))
        await front.start()
        ending.push_async_callback(front.close)
        reloader = reload.Reloader(node, network.changed.set)
        for work in (
            watch(node.workers, partial(_stopped, node)),
            reloader.run(),
            reload.watch(reload.directories(places), reloader.changed),
            *(reload.watch(reload.directories(tls.files), tls.reload) for tls in secured),
            watch_network(node, network),
            watchdog(),
        ):
            ending.callback(_begun(work).cancel)
        stop = _signals(reloader)
        notify("READY=1")
        LOG.info("serving on %s", path)
        await stop.wait()
        notify("STOPPING=1")


def _server(node: Node, streams: StreamServer, network: NetworkState) -> Server:
    config = node.config
    options = [
        ("grpc.max_receive_message_length", config.number("crio.api.grpc_max_recv_msg_size")),
        ("grpc.max_send_message_length", config.number("crio.api.grpc_max_send_msg_size")),
        ("grpc.so_reuseport", 0),
    ]
    parts = (
        NodeCalls(node, network),
        PodCalls(node),
        ContainerCalls(node),
        StatsCalls(node),
        StreamCalls(node, streams),
    )
    found = methods("ImageService", ImageService(node)) | methods("RuntimeService", *parts)
    return Server(found, node.observer, options)


def _signals(reloader: reload.Reloader) -> asyncio.Event:
    """SIGHUP is a reload; the event is set by those that end the server."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reloader.signalled)
    return stop


async def _metrics(node: Node, ending: AsyncExitStack) -> MetricsServer | None:
    """Serve metrics where that is asked for. Raises SettingsError."""
    if not node.config.flag("crio.metrics.enable_metrics"):
        return None
    from ..telemetry.metrics import of
    from ..telemetry.serving import MetricsServer

    served = MetricsServer(node.config, of(node.observer))
    await served.start()
    ending.push_async_callback(served.close)
    return served


def _begun(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task of the server's life; one that fails says so, and the server goes on."""
    task = asyncio.get_running_loop().create_task(work)

    def ended(done: asyncio.Task[None]) -> None:
        if not done.cancelled() and done.exception() is not None:
            LOG.error("a part of the server has ended", exc_info=done.exception())

    task.add_done_callback(ended)
    return task


async def _finish(node: Node) -> None:
    await node.workers.finish(GRACE)
    node.workers.close()


def _stream_address(config: Config) -> Address:
    api = "crio.api"
    on = config.flag(f"{api}.stream_enable_tls")
    tls = Tls(
        config.text(f"{api}.stream_tls_cert") if on else "",
        config.text(f"{api}.stream_tls_key"),
        config.text(f"{api}.stream_tls_ca"),
        config.text(f"{api}.tls_min_version"),
        config.texts(f"{api}.tls_cipher_suites"),
    )
    return Address(
        config.text(f"{api}.stream_address"),
        int(config.text(f"{api}.stream_port")),
        tls,
        config.seconds(f"{api}.stream_idle_timeout"),
    )


async def _stopped(node: Node, container: str, pod: str) -> None:
    await tell(node, container, pod, cri.CONTAINER_STOPPED_EVENT)
    name = await node.workers.run(killed_for_memory, container)
    if name:
        node.observer.killed_for_memory(name)
