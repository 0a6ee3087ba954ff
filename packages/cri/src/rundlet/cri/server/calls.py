"""From a service's methods to gRPC handlers, and from our errors to gRPC statuses.

A service is made of parts, objects with a method for each RPC: `run_pod_sandbox` for
RunPodSandbox, which answers with the message or with its bytes. An RPC without one is answered
with UNIMPLEMENTED by gRPC itself.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from rundlet.core.errors import RundletError

from ..proto import api_pb2
from ..telemetry.observer import Call as Seen
from ..telemetry.observer import Observer

LOG = logging.getLogger("rundlet.cri")
PACKAGE = "runtime.v1"
LONGEST = 8000
"""Characters of an error: it travels in a header, and gRPC's clients refuse long ones."""

Call = Callable[[Any, "grpc.aio.ServicerContext[Any, Any]"], Awaitable[Any]]
StreamCall = Callable[[Any, "grpc.aio.ServicerContext[Any, Any]"], AsyncIterator[Any]]


def snake(name: str) -> str:
    """RunPodSandbox is `run_pod_sandbox`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def handler(service: str, observer: Observer, *parts: object) -> grpc.GenericRpcHandler:
    """All RPCs of a service ("RuntimeService") that one of the parts has."""
    whole = f"{PACKAGE}.{service}"
    found = {}
    for rpc in api_pb2.DESCRIPTOR.services_by_name[service].methods:
        methods = (getattr(part, snake(rpc.name), None) for part in parts)
        function = next((method for method in methods if method is not None), None)
        if function is None:
            continue
        request = getattr(api_pb2, rpc.input_type.name)
        make = (
            grpc.unary_stream_rpc_method_handler
            if rpc.server_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        wrap = _streamed if rpc.server_streaming else _one
        found[rpc.name] = make(
            wrap(whole, rpc.name, function, observer),
            request_deserializer=request.FromString,
            response_serializer=_serialized,
        )
    return grpc.method_handlers_generic_handler(whole, found)


def _serialized(answer: Any) -> bytes:
    """Of a message; kept answers (kept.py) are bytes already."""
    return answer if isinstance(answer, bytes) else bytes(answer.SerializeToString())


def _one(service: str, name: str, function: Call, observer: Observer) -> Call:
    async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        seen = Seen(service, name, context)
        with observer.call(seen):
            try:
                return await function(request, context)
            except Exception as error:
                code, words = _status(name, error)
                seen.code = code.name
                await context.abort(code, words)
            finally:
                _log(seen)

    return call


def _streamed(service: str, name: str, function: StreamCall, observer: Observer) -> StreamCall:
    async def call(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        seen = Seen(service, name, context)
        with observer.call(seen):
            try:
                async for answer in function(request, context):
                    yield answer
            except Exception as error:
                code, words = _status(name, error)
                seen.code = code.name
                await context.abort(code, words)
            finally:
                _log(seen)

    return call


def _log(seen: Seen) -> None:
    if LOG.isEnabledFor(logging.DEBUG):
        LOG.debug("%s: %s in %.1f ms", seen.name, seen.code, seen.seconds * 1000)


def _status(name: str, error: Exception) -> tuple[grpc.StatusCode, str]:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if isinstance(error, RundletError):
        LOG.debug("%s: %s", name, error)
        return grpc.StatusCode[error.cri_status], str(error)[:LONGEST]
    LOG.exception("%s failed", name, exc_info=error)
    return grpc.StatusCode.INTERNAL, f"{name}: {error!r}"
