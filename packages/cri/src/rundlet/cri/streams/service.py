"""Exec, Attach and PortForward: checked, then answered with a URL of the streaming server."""

from __future__ import annotations

from rundlet.core import Engine
from rundlet.core.containers.state import GOING
from rundlet.core.errors import InvalidArgument, WrongState

from ..containers import record as containers
from ..pods import record as pods
from ..proto import api_pb2 as cri
from ..server.node import Node
from .server import StreamServer


class StreamCalls:
    """The three RPCs."""

    def __init__(self, node: Node, server: StreamServer) -> None:
        self._workers = node.workers
        self._server = server

    async def exec(self, request: cri.ExecRequest) -> cri.ExecResponse:
        if not request.cmd:
            raise InvalidArgument("exec: no command")
        _check(request)
        await self._workers.run(_running, request.container_id)
        return cri.ExecResponse(url=self._server.url("exec", request))

    async def attach(self, request: cri.AttachRequest) -> cri.AttachResponse:
        _check(request)
        await self._workers.run(_running, request.container_id)
        return cri.AttachResponse(url=self._server.url("attach", request))

    async def port_forward(self, request: cri.PortForwardRequest) -> cri.PortForwardResponse:
        await self._workers.run(_ready, request.pod_sandbox_id)
        return cri.PortForwardResponse(url=self._server.url("portforward", request))


def _check(request: cri.ExecRequest | cri.AttachRequest) -> None:
    """What the API says of the flags."""
    if not (request.stdin or request.stdout or request.stderr):
        raise InvalidArgument("one of stdin, stdout, or stderr must be set")
    if request.tty and request.stderr:
        raise InvalidArgument("tty and stderr cannot both be true")


def _running(engine: Engine, container: str) -> None:
    made = containers.find(engine, container)
    if made.row.status not in GOING:
        raise WrongState(f"container {made.row.id} is not running")


def _ready(engine: Engine, identity: str) -> None:
    pod = pods.find(engine, identity)
    if not pod.ready:
        raise WrongState(f"pod {pod.id} is not ready")
