"""What `podman volume inspect` prints of a volume."""

from __future__ import annotations

from ..format.times import rfc3339
from ..linux.mounts import is_mounted
from .options import is_mounted_by_us, owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..state.volumes import Volume


def inspect(volume: Volume, path: str) -> dict[str, Any]:
    """The document, with podman's keys. path: where the volume's content is."""
    data: dict[str, Any] = {
        "Name": volume.name,
        "Driver": volume.driver,
        "Mountpoint": path,
        "CreatedAt": rfc3339(volume.created),
        "Labels": dict(volume.labels),
        "Scope": "local",
        "Options": dict(volume.options),
    }
    owners = zip(("UID", "GID"), owner(volume.options), strict=True)
    data |= {name: number for name, number in owners if number}
    if volume.anonymous:
        data["Anonymous"] = True
    if volume.layer:
        data["StorageID"] = volume.layer
    data["MountCount"] = int(is_mounted_by_us(volume) and is_mounted(path))
    data["NeedsCopyUp"] = data["NeedsChown"] = not volume.copied_up
    return data
