"""What a volume may be named, and its options (podman-volume-create(1))."""

from __future__ import annotations

import os

from ..errors import InvalidArgument, NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..state.volumes import Volume

_OPTIONS = ("type", "device", "o", "copy", "nocopy")
_FIRST = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def check(name: str, driver: str, options: Mapping[str, str]) -> None:
    """Raises InvalidArgument for a bad name or option, NotSupported."""
    if name[0] not in _FIRST or name.strip(_FIRST + "_.-"):
        raise InvalidArgument(
            f"volume name {name!r}: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument"
        )
    if len(name) > 255:  # its directory could not be made
        raise InvalidArgument(f"volume name of {len(name)} letters is too long: at most 255")
    known = {"local": _OPTIONS, "image": ("image",)}.get(driver)
    if known is None:
        raise NotSupported(f"volume driver {driver!r}: only the drivers local and image are there")
    for key in options:
        if key not in known:
            raise InvalidArgument(
                f"invalid mount option {key} for driver {driver!r}: invalid argument"
            )
    if driver == "image" and not options.get("image"):
        raise InvalidArgument(
            "must provide an image name when creating a volume with the image driver:"
            " invalid argument",
            remedy="Give --opt image=NAME.",
        )
    owner(options)
    device = options.get("device", "")
    if options.get("type") == "bind" and not os.path.exists(device):
        raise InvalidArgument(
            f"invalid volume option device for driver 'local': {device or 'none is given'}:"
            " no such file or directory"
        )
    words = {word.partition("=")[0] for word in options.get("o", "").split(",")}
    if "inodes" in words or ("size" in words and options.get("type") != "tmpfs"):
        raise NotSupported(
            "volume options size and inodes not supported."
            " Filesystem does not support Project Quota"
        )
    if "timeout" in words:
        raise InvalidArgument(
            "volume driver timeout can only be used with non-local volume drivers: invalid argument"
        )


def owner(options: Mapping[str, str]) -> tuple[int | None, int | None]:
    """The `uid=` and `gid=` among the `o` options. Raises InvalidArgument."""
    found: dict[str, int] = {}
    for word in options.get("o", "").split(","):
        key, _, value = word.partition("=")
        if key in ("uid", "gid"):
            if not value.isdecimal():
                raise InvalidArgument(f"volume option {word!r}: a number is needed")
            found[key] = int(value)
    return found.get("uid"), found.get("gid")


def for_mount(options: Mapping[str, str]) -> list[str]:
    """The words of `o` that are mount(8)'s; there are no quotas to turn off."""
    words = options.get("o", "").split(",")
    ours = ("uid", "gid", "noquota")
    return [word for word in words if word and word.partition("=")[0] not in ours]


def is_mounted_by_us(volume: Volume) -> bool:
    """Whether there is more to mount than an owner."""
    options = volume.options
    return (
        bool(volume.layer) or "type" in options or "device" in options or bool(for_mount(options))
    )
