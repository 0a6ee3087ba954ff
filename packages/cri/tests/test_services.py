"""Every RPC of the CRI is one of ours: none is left to gRPC's own "unimplemented"."""

from __future__ import annotations

import inspect

import pytest

from rundlet.cri.containers.service import ContainerCalls
from rundlet.cri.images.service import ImageService
from rundlet.cri.pods.service import PodCalls
from rundlet.cri.proto import api_pb2 as cri
from rundlet.cri.rpc.methods import snake
from rundlet.cri.runtime.service import NodeCalls
from rundlet.cri.stats.service import StatsCalls
from rundlet.cri.streams.service import StreamCalls

PARTS = {
    "ImageService": (ImageService,),
    "RuntimeService": (NodeCalls, PodCalls, ContainerCalls, StatsCalls, StreamCalls),
}
REFUSED: dict[str, str] = {}
"""RPCs that are not served, with the reason."""

RPCS = [
    (service.name, rpc.name)
    for service in cri.DESCRIPTOR.services_by_name.values()
    for rpc in service.methods
]


@pytest.mark.parametrize(("service", "rpc"), RPCS)
def test_an_rpc_is_served_by_one_part(service: str, rpc: str) -> None:
    having = [part for part in PARTS[service] if hasattr(part, snake(rpc))]
    assert len(having) == (0 if rpc in REFUSED else 1), having
    if having:
        method = getattr(having[0], snake(rpc))
        streams = cri.DESCRIPTOR.services_by_name[service].methods_by_name[rpc].server_streaming
        assert inspect.isasyncgenfunction(method) == streams


def test_nothing_else_is_served() -> None:
    known = {snake(rpc) for _, rpc in RPCS}
    parts = [part for every in PARTS.values() for part in every]
    served = {name for part in parts for name in vars(part) if not name.startswith("_")}
    assert served <= known
    assert len(RPCS) == 43
