"""The files that the engine makes for a container: hostname, hosts, resolv.conf, .containerenv."""

from __future__ import annotations

from .paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from ..state.containers import Container
    from .network import Joined
    from .request import ContainerRequest


def write(
    engine: Engine, row: Container, request: ContainerRequest, joined: Joined, rootfs: str
) -> dict[str, str]:
    """Write them to the run directory; destination in the container to path on the host.

    Where the user mounts something at one of these places, that is used instead.
    """
    paths = Paths(engine, row.id)
    contents = {"/run/.containerenv": ""}
    if request.uts != "host":
        contents["/etc/hostname"] = f"{joined.hostname}\n"
    taken = {mount.destination.rstrip("/") for mount in request.mounts}
    made = {}
    for destination, content in contents.items():
        if destination in taken:
            continue
        path = f"{paths.run}/{destination.rpartition('/')[2].lstrip('.')}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        made[destination] = path
    return made
