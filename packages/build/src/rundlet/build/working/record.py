"""What is known of a working container besides its files: the image that it is to become."""

from __future__ import annotations

import json

from rundlet.core.contracts.storage import IdMap
from rundlet.core.errors import InvalidArgument
from rundlet.core.images.platforms import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rundlet.core import Engine
    from rundlet.core.containers.request import ContainerRequest
    from rundlet.core.state.containers import Container
    from rundlet.core.state.images import Image

KEY = "build"
"""Where a record is in the `extra` column of a container's row."""
_FIELDS = (
    *("config", "author", "os", "architecture", "variant", "os_version", "os_features"),
    *("annotations", "comment", "created_by", "history_comment", "added_history"),
    *("image_name", "image_digest", "format", "isolation", "uid_map", "gid_map"),
)


class Record:
    """Everything that `config` changes and `commit` writes.

    config: the image config's `config` object, Docker's fields too. added_history: entries
    that run, copy, add and config have made. created_by, history_comment: of commit's entry.
    format: "oci" or "docker", of images unless commit says otherwise. uid_map, gid_map: of
    the user namespace of commands, [container, host, size] each; none for that of the host.
    """

    def __init__(self, **fields: Any) -> None:
        self.config: dict[str, Any] = fields.get("config") or {}
        self.author: str = fields.get("author", "")
        self.os: str = fields.get("os", "")
        self.architecture: str = fields.get("architecture", "")
        self.variant: str = fields.get("variant", "")
        self.os_version: str = fields.get("os_version", "")
        self.os_features: list[str] = fields.get("os_features") or []
        self.annotations: dict[str, str] = fields.get("annotations") or {}
        self.comment: str = fields.get("comment", "")
        self.created_by: str = fields.get("created_by", "")
        self.history_comment: str = fields.get("history_comment", "")
        self.added_history: list[dict[str, Any]] = fields.get("added_history") or []
        self.image_name: str = fields.get("image_name", "")
        self.image_digest: str = fields.get("image_digest", "")
        self.format: str = fields.get("format", "oci")
        self.isolation: str = fields.get("isolation", "oci")
        self.uid_map: list[list[int]] = fields.get("uid_map") or []
        self.gid_map: list[list[int]] = fields.get("gid_map") or []

    def as_dict(self) -> dict[str, Any]:
        """What is stored."""
        return {name: getattr(self, name) for name in _FIELDS}

    def keep_maps(self, request: ContainerRequest) -> None:
        """Remember a request's id maps."""
        self.uid_map = [[row.container, row.host, row.size] for row in request.uid_map]
        self.gid_map = [[row.container, row.host, row.size] for row in request.gid_map]

    def with_maps(self, request: ContainerRequest) -> ContainerRequest:
        """A request with the maps that were remembered."""
        if not self.uid_map:
            return request
        uids, gids = (tuple(IdMap(*row) for row in rows) for rows in (self.uid_map, self.gid_map))
        return request.replace(userns="private", uid_map=uids, gid_map=gids)

    def environment(self) -> dict[str, str]:
        """The config's variables by name."""
        return dict(entry.partition("=")[::2] for entry in self.config.get("Env") or ())


def of_image(engine: Engine, image: Image, name: str) -> Record:
    """The record of a container that begins with an image."""
    known = engine.images.config(image)
    document = known.document
    here = native()
    annotations = engine.images.manifest(image).get("annotations") or {}
    return Record(
        config=json.loads(json.dumps(known.config)),
        author=known.author,
        os=known.os or here.os,
        architecture=known.architecture or here.architecture,
        variant=known.variant,
        os_version=str(document.get("os.version") or ""),
        os_features=list(document.get("os.features") or ()),
        annotations=dict(annotations),
        image_name=name,
        image_digest=image.manifest,
    )


def load(row: Container) -> Record:
    """The record of a row. Raises InvalidArgument for a container that is none of a build."""
    found: Mapping[str, Any] | None = json.loads(row.extra).get(KEY)
    if found is None:
        raise InvalidArgument(f"{row.name}: is not a working container")
    return Record(**found)


def stored(extra: str, record: Record) -> str:
    """The `extra` column with a record in it."""
    return json.dumps({**json.loads(extra), KEY: record.as_dict()})
