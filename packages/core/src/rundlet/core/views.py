"""What hooks are shown of the engine's objects: small frozen values, no handles."""

from __future__ import annotations

from .value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class ImageView(Value):
    """An image as admission hooks see it. `created` is in seconds since the epoch, 0 unknown."""

    name: str
    id: str = ""
    digest: str = ""
    created: float = 0
    labels: Mapping[str, str] = EMPTY
    architecture: str = ""


class ContainerView(Value):
    """A container as lifecycle hooks see it."""

    id: str
    name: str
    image: str
    runtime: str = ""
    pid: int = 0
    labels: Mapping[str, str] = EMPTY
    annotations: Mapping[str, str] = EMPTY
    bundle: str = ""


class Event(Value):
    """One line of `rundlet events`. `time` is in nanoseconds since the epoch."""

    kind: str
    action: str
    id: str
    name: str = ""
    time: int = 0
    attributes: Mapping[str, str] = EMPTY
