"""A container goes on from its checkpoint, also on another node (podman-restore(1))."""

from __future__ import annotations

import json
import os
import time

from ...archive.beneath import Beneath, components
from ...archive.extract import extract
from ...archive.remove import remove_tree as remove_member
from ...archive.whiteouts import PLAIN
from ...contracts.network import NetworkRequest
from ...errors import (
    AlreadyExists,
    Corrupt,
    InvalidArgument,
    NoSuchContainer,
    RuntimeFailed,
    WrongState,
)
from ...runtimes import criu
from ...state import containers as rows
from ...value import Value
from .. import mounting, notify
from ..initialize import Restoring
from ..network import wished
from ..start import start_held
from ..stored import network_of, request_of
from ..trees import remove_tree
from . import archive
from .dump import usable
from .files import Files, forget_logs
from .statistics import Statistics, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...contracts.network import PortMapping
    from ...engine import Engine
    from ...state.containers import Container


_DIGITS = 64  # of a container's id


class Options(Value):
    """Of podman-container-restore(1). name, pod, ports: of a container made from an archive."""

    keep: bool = False
    tcp_established: bool = False
    file_locks: bool = False
    ignore_rootfs: bool = False
    ignore_volumes: bool = False
    ignore_static_ip: bool = False
    ignore_static_mac: bool = False
    name: str = ""
    ports: tuple[PortMapping, ...] = ()


def restore(engine: Engine, row: Container, options: Options) -> Statistics:
    """Let a container go on from its checkpoint, which is gone then unless it is kept.

    Raises WrongState for one that runs or has none, NotSupported, RuntimeFailed with CRIU's
    reason: the checkpoint stays then.
    """
    began = time.monotonic()
    usable(engine, row)
    files = Files(engine, row.id)
    if not files.there():
        raise WrongState(f"container {row.id} has no checkpoint to go on from")
    with engine.locks.hold("container", row.id):
        fresh = rows.by_id(engine.database, row.id)
        if fresh is None:
            raise NoSuchContainer(row.name)
        restoring = Restoring(
            image=files.image,
            options=_words(options),
            networks=_networks(fresh, options),
        )
        try:
            started = start_held(engine, fresh, restoring=restoring)
        except RuntimeFailed as error:
            reason = criu.error_in(files.restore_log)
            raise RuntimeFailed(f"{error}: {reason}" if reason else str(error)) from error
        started.close()
        _note(engine, started.row)
    found = read(files.restore_statistics, row.id, began)
    if not options.keep:
        remove_tree(files.image)
        remove_tree(files.pre)
        forget_logs(files)
    notify.event(engine, row, "restore")
    return found


def _words(options: Options) -> tuple[str, ...]:
    """Options of the runtime's `restore`."""
    words = []
    if options.tcp_established:
        words.append("--tcp-established")
    if options.file_locks:
        words.append("--file-locks")
    return tuple(words)


def _networks(row: Container, options: Options) -> tuple[NetworkRequest, ...]:
    """The same networks with the same addresses: connections are between addresses."""
    known = network_of(json.loads(row.extra).get("checkpoint", {}).get("network", ""))
    if known is None or known.result is None:
        return ()
    given = {one.network: one for one in known.result.interfaces}
    found = []
    for number, wanted in enumerate(wished(request_of(row.request))):
        had = given.get(wanted.network)
        if had is None and number < len(known.result.interfaces):
            had = known.result.interfaces[number]
        if had is None:
            return ()
        addresses = tuple(one.address.partition("/")[0] for one in had.addresses)
        found.append(
            wanted.replace(
                ips=() if options.ignore_static_ip else wanted.ips or addresses,
                mac="" if options.ignore_static_mac else wanted.mac or had.mac,
            )
        )
    return tuple(found)


def _note(engine: Engine, row: Container) -> None:
    extra = json.loads(row.extra)
    extra["checkpoint"] = {**extra.get("checkpoint", {}), "restored": time.time_ns()}
    rows.update(engine.database, row.id, extra=json.dumps(extra))


def import_(engine: Engine, path: str, options: Options, previous: str = "") -> Container:
    """Make the container of an archive, to be restored next.

    It has the id and the name that it had, or with another name an id of its own (podman).
    previous: the archive of an earlier checkpoint of its memory, "" for none.
    Raises InvalidArgument for an archive of another engine (those are for the CRI, where
    kubelet knows the container), Corrupt, UnsafeArchive, NoSuchImage, AlreadyExists.
    """
    with archive.scratch(engine) as directory:
        found = archive.unpack(path, directory)
        if found.request is None:
            raise InvalidArgument(
                f"{path} was written by another engine: which container to make it does not tell"
            )
        request = found.request.replace(name=options.name or found.name, image=found.image)
        if options.ports:
            request = request.replace(ports=options.ports)
        if not options.ignore_volumes:
            _volumes(engine, found)
        identity = "" if options.name else _identity(engine, found)
        row = engine.containers.create(request, identity=identity)
        try:
            adopt(engine, row, found, ignore_rootfs=options.ignore_rootfs)
            if previous:
                with archive.scratch(engine) as earlier:
                    before = archive.unpack(previous, earlier, "pre-checkpoint")
                    adopt(engine, row, before, ignore_rootfs=True)
        except BaseException:
            engine.containers.remove(row.id, force=True)
            raise
    return row


def _identity(engine: Engine, found: archive.Archive) -> str:
    """The id that the container had. Raises Corrupt, AlreadyExists."""
    if len(found.id) != _DIGITS or set(found.id) - set("0123456789abcdef"):
        raise Corrupt(f"{archive.CONFIG} of the checkpoint has no id of a container: {found.id!r}")
    if rows.by_id(engine.database, found.id) is not None:
        raise AlreadyExists(
            f"there is a container with the id {found.id} already",
            remedy="give the new one a name: with --name it gets an id of its own",
        )
    return found.id


def adopt(
    engine: Engine, row: Container, found: archive.Archive, *, ignore_rootfs: bool = False
) -> None:
    """Give a created container what an unpacked archive has: files, and CRIU's image.

    Raises Corrupt, UnsafeArchive, NoSpace.
    """
    files = Files(engine, row.id)
    for name, target in (("checkpoint", files.image), ("pre-checkpoint", files.pre)):
        source = f"{found.directory}/{name}"
        if os.path.isdir(source) and not os.path.islink(source):
            remove_tree(target)
            os.rename(source, target)
    if not ignore_rootfs and row.layer:
        with mounting.mounted(engine, row) as root:
            _change(root, found.directory)


def _change(root: str, directory: str) -> None:
    """Do to a root directory what the container had done to it."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for path in archive.load(directory, archive.DELETED) or ():
            _delete(descriptor, str(path))
        diff = f"{directory}/{archive.DIFF}"
        if os.path.isfile(diff) and not os.path.islink(diff):
            with open(diff, "rb") as stream:
                extract(stream, descriptor, whiteouts=PLAIN)
    finally:
        os.close(descriptor)


def _delete(root: int, path: str) -> None:
    """Delete a path below a root directory; no link leads out of it."""
    where, _, name = os.fsencode(path).strip(b"/").rpartition(b"/")
    if name in (b"", b".", b".."):
        return
    beneath = Beneath(root, lambda _: None)
    try:
        remove_member(name, beneath.directory(components(where), make=False))
    except (FileNotFoundError, NotADirectoryError):
        return
    finally:
        beneath.close()


def _volumes(engine: Engine, found: archive.Archive) -> None:
    """Named volumes that are not here, with their content."""
    directory = f"{found.directory}/{archive.VOLUMES}"
    if not os.path.isdir(directory) or os.path.islink(directory):
        return
    for file in sorted(os.listdir(directory)):
        name = file.removesuffix(".tar")
        if engine.volumes.exists(name):
            raise InvalidArgument(
                f"volume {name} exists already", remedy="use --ignore-volumes to keep it as it is"
            )
        engine.volumes.create(name)
        with open(f"{directory}/{file}", "rb") as stream:
            engine.volumes.import_(name, stream)
