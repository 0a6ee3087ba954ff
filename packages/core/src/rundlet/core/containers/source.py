"""What a container is made from: an image, pulled when the policy says so, or a root directory."""

from __future__ import annotations

from ..errors import DeniedByPolicy, InvalidArgument, NoSuchImage
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..contracts.transport import TransportSettings
    from ..engine import Engine
    from ..images.progress import Progress
    from ..state.images import Image
    from .request import ContainerRequest


class Source(Value):
    """The image's id, its name as asked for, its top layer, its configuration object.

    All are empty for `--rootfs`.
    """

    image: str = ""
    name: str = ""
    layer: str = ""
    config: Mapping[str, Any] = EMPTY


class Pulling(Value):
    """How to pull, where that is needed: settings of the transport, and who is told how far."""

    settings: TransportSettings | None = None
    progress: Progress | None = None


def resolve(engine: Engine, request: ContainerRequest, pulling: Pulling) -> Source:
    """Find, or pull, and admit what the request names.

    Raises NoSuchImage, DeniedByPolicy, InvalidArgument, and what a pull raises.
    """
    if request.rootfs:
        from .root_directory import check

        check(request)
        return Source()
    if not request.image:
        raise InvalidArgument("an image or --rootfs is needed")
    image = _image(engine, request, pulling)
    _admit(engine, image, request.image)
    config = engine.images.config(image)
    return Source(
        image.id,
        _display_name(image, request.image),
        image.top_layer or "",
        config.config,
    )


def _image(engine: Engine, request: ContainerRequest, pulling: Pulling) -> Image:
    policy = request.pull or engine.settings.pull_policy
    if policy in ("missing", "never") and not request.platform:
        found = engine.images.find(request.image)
        if found is not None:
            return found
    if policy == "never":
        raise NoSuchImage(request.image)
    from ..contracts.transport import TransportSettings
    from ..images.platforms import parse_platform

    return engine.images.pull(
        request.image,
        policy=policy,
        settings=pulling.settings or TransportSettings(),
        platform=parse_platform(request.platform) if request.platform else None,
        progress=pulling.progress,
    )


def _admit(engine: Engine, image: Image, name: str) -> None:
    """Ask the admission hooks. Raises DeniedByPolicy with the first reason."""
    if not engine.plugins.available("hooks"):
        return
    from ..views import ImageView

    view = ImageView(
        name=name,
        id=image.id,
        created=image.created / 1e9,
        labels=image.labels,
        architecture=image.architecture,
    )
    for reason in engine.plugins.call("rundlet_admit_image", image=view, action="run"):
        if reason:
            raise DeniedByPolicy(f"{name}: not allowed to run: {reason}")


def _display_name(image: Image, asked: str) -> str:
    """The name that `ps` shows: the whole one that was asked for, else any that it has."""
    fitting = [name for name in image.names if _names(asked, name)]
    if fitting or asked.startswith(image.id[:12]):
        return next(iter(fitting or image.names), "")
    return asked


def _names(asked: str, name: str) -> bool:
    """Whether a short name ("nginx", "library/nginx:1") is the end of a whole one."""
    return any(name == text or name.endswith(f"/{text}") for text in (asked, f"{asked}:latest"))
