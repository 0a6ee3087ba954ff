"""The node's RPCs of the RuntimeService: translation only."""

from __future__ import annotations

from ..proto import api_pb2 as cri
from ..server.node import Node
from . import status
from .network import NetworkState


class NodeCalls:
    """Version, Status, RuntimeConfig, UpdateRuntimeConfig."""

    def __init__(self, node: Node, network: NetworkState) -> None:
        self._node = node
        self._network = network

    def version(self, _: cri.VersionRequest) -> bytes:
        return status.version().SerializeToString()

    async def status(self, request: cri.StatusRequest) -> cri.StatusResponse:
        return await self._node.workers.run(status.status, request.verbose, self._network)

    async def runtime_config(self, _: cri.RuntimeConfigRequest) -> cri.RuntimeConfigResponse:
        return await self._node.workers.run(status.runtime_config)

    async def update_runtime_config(
        self, _: cri.UpdateRuntimeConfigRequest
    ) -> cri.UpdateRuntimeConfigResponse:
        """The pod CIDR is the network plugin's business: nothing to do, as in CRI-O."""
        return cri.UpdateRuntimeConfigResponse()
