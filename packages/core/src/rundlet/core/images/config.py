"""Image configs: what an image says about the containers made from it.

OCI image-spec config.md; Docker's config has the same fields and more (Healthcheck, Shell,
OnBuild), which are kept.
"""

from __future__ import annotations

from ..errors import Corrupt, InvalidArgument, NotFound
from ..format.times import from_rfc3339
from ..value import EMPTY, Value
from . import documents
from .descriptor import digest_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..engine import Engine
    from ..state.images import Image


class ImageConfig(Value):
    """A parsed config.

    config: the `config` object (Env, Cmd, Entrypoint, User, WorkingDir, Labels, ...), {} if none.
    diff_ids: "sha256:..." of the uncompressed layers, lowest first.
    history: the raw entries. created: nanoseconds since the epoch, 0 unknown.
    """

    config: Mapping[str, Any]
    diff_ids: tuple[str, ...]
    history: tuple[Mapping[str, Any], ...] = ()
    created: int = 0
    os: str = "linux"
    architecture: str = ""
    variant: str = ""
    author: str = ""
    document: Mapping[str, Any] = EMPTY

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.config.get("Labels") or {})

    @property
    def volumes(self) -> tuple[str, ...]:
        return tuple(self.config.get("Volumes") or ())


def parse(data: bytes) -> ImageConfig:
    """Parse the bytes of a config. Raises Corrupt for what is none."""
    document = documents.read_object(data, "image config")
    try:
        rootfs = document.get("rootfs") or {}
        diff_ids = tuple(rootfs.get("diff_ids") or ())
        for diff_id in diff_ids:
            digest_parts(diff_id)
        return ImageConfig(
            config=document.get("config") or {},
            diff_ids=diff_ids,
            history=tuple(document.get("history") or ()),
            created=from_rfc3339(document.get("created") or ""),
            os=str(document.get("os") or "linux"),
            architecture=str(document.get("architecture") or ""),
            variant=str(document.get("variant") or ""),
            author=str(document.get("author") or ""),
            document=document,
        )
    except InvalidArgument as error:
        raise Corrupt(f"malformed image config: {error}") from None
    except (ValueError, TypeError, AttributeError):
        raise Corrupt(
            "malformed image config: rootfs, history or created are not as image-spec says"
        ) from None


def of_image(engine: Engine, image: Image) -> ImageConfig:
    """The config of an image of the store. Raises Corrupt when its blob is damaged or gone."""
    try:
        return parse(engine.blobs.read(f"sha256:{image.id}"))
    except (NotFound, Corrupt) as error:
        raise documents.damaged(image, error) from error
