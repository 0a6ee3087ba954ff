"""The user's and the image's mounts, with volumes, images and globs as paths of the host."""

from __future__ import annotations

import os

from ..errors import InvalidArgument
from . import links, overlays

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest, Mount

_SUBPATHS = ("subpath=", "volume-subpath=", "image-subpath=")


def resolve(
    engine: Engine, row: Container, request: ContainerRequest, rootfs: str
) -> tuple[Mount, ...]:
    """Every mount with a host source. A volume that is used first is filled from the image.

    Raises InvalidArgument for a source that is not there, NoSuchImage.
    """
    found: list[Mount] = []
    for mount in request.mounts:
        for one in _resolved(engine, row, mount, rootfs, request):
            if links.wanted(one):
                links.copy(one, rootfs)
                continue
            one = links.plain(one)
            found.append(
                overlays.over(engine, row, one, len(found)) if overlays.wanted(one) else one
            )
    return _given(request, rootfs, found)


def fill_volumes(engine: Engine, row: Container, request: ContainerRequest) -> None:
    """Fill new volumes from the image before any start: `prepare_volume_on_create`."""
    from . import mounting, volumes

    named = [one for one in request.mounts if one.kind == "volume" and one.source[:1] != "/"]
    if not named:
        return
    try:
        with mounting.mounted(engine, row) as rootfs:
            for mount in named:
                _volume(engine, mount, rootfs, request)
    finally:
        volumes.unmount(engine, row.id)


def _resolved(
    engine: Engine, row: Container, mount: Mount, rootfs: str, request: ContainerRequest
) -> Sequence[Mount]:
    if mount.kind == "glob":
        return _glob(mount)
    if mount.kind == "artifact":
        return _artifact(engine, mount, rootfs)
    if mount.kind == "image":
        mount = _image(engine, row, mount)
    elif mount.kind == "volume" and not mount.source.startswith("/"):
        mount = _volume(engine, mount, rootfs, request)
    else:
        check_source(mount)
    return (mount,)


def check_source(mount: Mount) -> None:
    """What is bound must be there. Raises InvalidArgument."""
    if mount.kind == "bind" and not os.path.lexists(mount.source):
        raise InvalidArgument(f"statfs {mount.source}: no such file or directory")


def check_content(engine: Engine, mounts: Sequence[Mount]) -> None:
    """Images and artifacts that are mounted must be there. Raises NoSuchImage, NoSuchArtifact."""
    for mount in mounts:
        if mount.kind == "image":
            engine.images.get(mount.source)
        elif mount.kind == "artifact":
            engine.artifacts.get(mount.source)


def _volume(engine: Engine, mount: Mount, rootfs: str, request: ContainerRequest) -> Mount:
    path = engine.volumes.mount(mount.source)
    engine.volumes.copy_up(
        mount.source,
        rootfs,
        mount.destination,
        lambda: _owner(request, rootfs),
        content=not {"nocopy", "volume-nocopy"}.intersection(mount.options),
    )
    return mount.replace(source=below(path, mount))


def _image(engine: Engine, row: Container, mount: Mount) -> Mount:
    """An image's root, read-only; mounted until the container is cleaned up after."""
    from ..images.mounting import mount as mount_image

    writable = {"rw", "rw=true", "readwrite=true", "readwrite"}.intersection(mount.options)
    options = tuple(o for o in mount.options if not o.startswith(("rw", "readwrite")))
    if writable:  # to an overlay of its own
        options = ("O", "rw", *options)
    path = mount_image(engine, engine.images.get(mount.source), row.id)
    return mount.replace(source=below(path, mount), options=options)


def _artifact(engine: Engine, mount: Mount, rootfs: str) -> Sequence[Mount]:
    """Its files, read-only: the only one at the destination itself, unless a directory is there
    or `name=` is given; several below it (podman-run(1)).
    """
    said = dict(option.partition("=")[::2] for option in mount.options)
    files = engine.artifacts.files(
        mount.source, digest=said.pop("digest", ""), title=said.pop("title", "")
    )
    name = said.pop("name", "")
    for option in said:
        if option not in ("ro", "readonly"):
            raise InvalidArgument(f"--mount {mount.destination}: {option}: not for an artifact")
    if len(files) == 1 and not os.path.isdir(f"{rootfs}/{mount.destination}"):
        return (mount.replace(kind="bind", source=files[0][1], options=("ro",)),)
    found = []
    for number, (title, path) in enumerate(files):
        inside = title if not name else name if len(files) == 1 else f"{name}-{number}"
        found.append(
            mount.replace(
                kind="bind",
                source=path,
                destination=f"{mount.destination}/{inside}",
                options=("ro",),
            )
        )
    return found


def below(root: str, mount: Mount) -> str:
    """A directory in a volume or image; symbolic links in it lead nowhere outside."""
    for option in mount.options:
        prefix = next((word for word in _SUBPATHS if option.startswith(word)), "")
        if not prefix:
            continue
        path = os.path.realpath(f"{root}/{option.removeprefix(prefix)}")
        if path != root and not path.startswith(f"{os.path.realpath(root)}/"):
            raise InvalidArgument(f"{option}: leads out of {mount.kind} {mount.destination}")
        if not os.path.exists(path):
            raise InvalidArgument(f"{option}: no such file or directory in {mount.kind}")
        return path
    return root


def _glob(mount: Mount) -> Sequence[Mount]:
    """Each file that fits, at its own path, or under the destination by its last name."""
    import glob

    paths = sorted(glob.glob(mount.source))
    if not paths:
        raise InvalidArgument(f"no file paths matching glob {mount.source!r}")
    return [
        mount.replace(
            kind="bind",
            source=path,
            destination=f"{mount.destination}/{os.path.basename(path)}"
            if mount.destination
            else path,
        )
        for path in paths
    ]


_OWN = """/ /bin /boot /dev /etc /etc/passwd /etc/pki /etc/shadow /home /lib /lib64 /media /opt
/proc /root /run /sbin /srv /sys /tmp /usr /var /var/lib /var/log"""
_HOSTS_OWN = frozenset(_OWN.split())
"""Directories of the host that `:U` would break it by (podman refuses the same)."""


def _owner(request: ContainerRequest, rootfs: str) -> tuple[int, int]:
    """uid and gid on the host of the container's user."""
    from ..spec.user import lookup
    from .ownership import host_id

    user = lookup(rootfs, request.user)
    uid_map, gid_map = request.uid_map or request.gid_map, request.gid_map or request.uid_map
    return host_id(user.uid, uid_map), host_id(user.gid, gid_map)


def _given(request: ContainerRequest, rootfs: str, mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """`:U`: sources belong to the container's user, with all that is in them; of a file system
    in memory the root does.
    """
    from ..spec.mount_options import wants_chown

    if not any(wants_chown(mount.options) for mount in mounts):
        return tuple(mounts)
    found = []
    for mount in mounts:
        if not wants_chown(mount.options):
            found.append(mount)
        elif mount.kind in ("tmpfs", "ramfs"):
            found.append(_owned(request, rootfs, mount))
        else:
            _give(request, rootfs, mount)
            found.append(mount)
    return tuple(found)


def _owned(request: ContainerRequest, rootfs: str, mount: Mount) -> Mount:
    """A file system that is mounted in the container's own user namespace."""
    from ..spec.user import lookup

    user = lookup(rootfs, request.user)
    return mount.replace(options=(*mount.options, f"uid={user.uid}", f"gid={user.gid}"))


def _give(request: ContainerRequest, rootfs: str, mount: Mount) -> None:
    from .ownership import chown_tree

    uid, gid = _owner(request, rootfs)
    if os.path.realpath(mount.source) in _HOSTS_OWN:
        raise InvalidArgument(
            f"chowning host path {mount.source!r} is not allowed",
            remedy=f"You can manually `chown -R {uid}:{gid} {mount.source}`.",
        )
    chown_tree(mount.source, uid, gid)
