"""SELinux: `--security-opt label=...` (podman-run(1)), by the contexts of the node's policy."""

from __future__ import annotations

from ..errors import InvalidArgument
from ..linux import selinux
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PARTS = ("user", "role", "type", "level", "filetype")


class Labels(Value):
    """Contexts of a container's processes, and of its files and mounts; "" for none."""

    process: str = ""
    mount: str = ""


def labels(options: Iterable[str]) -> Labels:
    """What the security options of a container say, on a node with SELinux.

    None without a label option: such a container is not confined. Raises InvalidArgument for
    an unknown part.
    """
    asked = [text[len("label=") :] for text in options if text.startswith(("label=", "label:"))]
    if not asked or "disable" in asked:
        return Labels()
    chosen = {}
    for text in asked:
        if text == "nested":  # needs no label of its own
            continue
        part, _, value = text.partition(":")
        if part not in _PARTS or not value:
            raise InvalidArgument(
                f"invalid --security-opt label={text}",
                remedy=f"use disable, or one of {', '.join(_PARTS)} as PART:VALUE",
            )
        chosen[part] = value
    process, file = selinux.defaults()
    level = chosen.get("level", process.level)
    return Labels(
        str(
            selinux.Context(
                chosen.get("user", process.user),
                chosen.get("role", process.role),
                chosen.get("type", process.type),
                level,
            )
        ),
        str(file.replace(type=chosen.get("filetype", file.type), level=level)),
    )
