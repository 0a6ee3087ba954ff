"""From the name of an RPC to the service's method, and from our errors to gRPC statuses.

A service is made of parts, objects with a method for each RPC: `run_pod_sandbox` for
RunPodSandbox. It gets the request's message. An `async` one gives the answer's message, or an
iterator of them for a stream. One that is not `async` is called where calls are read, which it
must not hold up: it gives the answer's bytes, or what is to be awaited for them. An RPC that no
part has is answered with UNIMPLEMENTED.
"""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from rundlet.core.errors import RundletError

from ..proto import api_pb2

LOG = logging.getLogger("rundlet.cri")
PACKAGE = "runtime.v1"
LONGEST = 8000
"""Characters of an error: it travels in a header, and gRPC's clients refuse long ones."""


@dataclass(frozen=True)
class Method:
    """service: its full name. request: the class of its message. streams: answers are many."""

    service: str
    name: str
    request: Any
    streams: bool
    function: Callable[[Any], Any]


def snake(name: str) -> str:
    """RunPodSandbox is `run_pod_sandbox`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def methods(service: str, *parts: object) -> dict[str, Method]:
    """All RPCs of a service ("RuntimeService") that one of the parts has, by their paths."""
    whole = f"{PACKAGE}.{service}"
    found = {}
    for rpc in api_pb2.DESCRIPTOR.services_by_name[service].methods:
        functions = (getattr(part, snake(rpc.name), None) for part in parts)
        function = next((one for one in functions if one is not None), None)
        if function is not None:
            request = getattr(api_pb2, rpc.input_type.name)
            method = Method(whole, rpc.name, request, rpc.server_streaming, function)
            found[f"/{whole}/{rpc.name}"] = method
    return found


def serialized(answer: Any) -> bytes:
    """Of a message; kept answers (server/kept.py) are bytes already."""
    return answer if isinstance(answer, bytes) else bytes(answer.SerializeToString())


def status(name: str, error: Exception) -> tuple[grpc.StatusCode, str]:
    """What a client is told of an error of the RPC `name`; one that is not ours is logged."""
    if isinstance(error, RundletError):
        LOG.debug("%s: %s", name, error)
        return grpc.StatusCode[error.cri_status], str(error)[:LONGEST]
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        LOG.error("%s: %s", name, error)
        return grpc.StatusCode.RESOURCE_EXHAUSTED, f"{name}: {error}"[:LONGEST]
    LOG.exception("%s failed", name, exc_info=error)
    return grpc.StatusCode.INTERNAL, f"{name}: {error!r}"[:LONGEST]
