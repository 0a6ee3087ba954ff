"""The ImageService: translation only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from ..proto import api_pb2 as cri
from ..server.node import Node
from . import pull, work

CHUNK = 500  # items per message of a streamed list


class ImageService:
    """Every RPC of runtime.v1.ImageService."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._workers = node.workers

    def list_images(self, request: cri.ListImagesRequest) -> bytes | Awaitable[bytes]:
        name = request.filter.image.image
        return self._node.kept.answer(("images", name), work.listing, name)

    async def stream_images(
        self, request: cri.StreamImagesRequest
    ) -> AsyncIterator[cri.StreamImagesResponse]:
        found = await self._workers.run(work.listed, request.filter.image.image)
        for start in range(0, len(found), CHUNK):
            yield cri.StreamImagesResponse(images=found[start : start + CHUNK])

    def image_status(self, request: cri.ImageStatusRequest) -> bytes | Awaitable[bytes]:
        wanted = (request.image.image, request.verbose)
        return self._node.kept.answer(("image", *wanted), work.status, *wanted)

    async def pull_image(self, request: cri.PullImageRequest) -> cri.PullImageResponse:
        name = request.image.image
        namespace = request.sandbox_config.metadata.namespace
        key = ("pull", name, namespace, request.auth.SerializeToString(deterministic=True))
        reference = await self._workers.once(
            key, pull.pull, name, request.auth, namespace, self._node.observer
        )
        return cri.PullImageResponse(image_ref=reference)

    async def remove_image(self, request: cri.RemoveImageRequest) -> cri.RemoveImageResponse:
        name = request.image.image
        await self._workers.once(("remove image", name), work.remove, name)
        return cri.RemoveImageResponse()

    async def image_fs_info(self, request: cri.ImageFsInfoRequest) -> cri.ImageFsInfoResponse:
        return await self._workers.run(work.usage)
