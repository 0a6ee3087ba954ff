"""A checkpoint in one file, to be restored on another node.

Its shape is CRI-O's and podman's, as checkpointctl shows it: a tar with `checkpoint/` (CRIU's
files), `config.dump` and `spec.dump` (which container, and its OCI spec), `rootfs-diff.tar` and
`deleted.files` (what it changed of its image), `volumes/NAME.tar`, `bind.mounts`,
`network.status` and CRIU's logs. Our own entry in `config.dump` is the container's request.
"""

from __future__ import annotations

import json
import os
import shutil

from ...archive.create import write_tree
from ...archive.extract import extract
from ...archive.whiteouts import PLAIN
from ...content.compress import compressed, decompressed
from ...content.produced import Produced
from ...errors import Corrupt, InvalidArgument, NoSpace, StoreError
from ...format.times import rfc3339
from ...storage import staging
from ...value import Value
from .. import mounting
from ..export import changes
from ..paths import Paths
from ..stored import request_of
from ..trees import remove_tree, unlink
from .files import LOGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...engine import Engine
    from ...state.containers import Container
    from ...streams import Writable
    from ..request import ContainerRequest
    from .dump import Options
    from .files import Files

CONFIG = "config.dump"
SPEC = "spec.dump"
DIFF = "rootfs-diff.tar"
DELETED = "deleted.files"
BINDS = "bind.mounts"
NETWORK = "network.status"
VOLUMES = "volumes"
_OURS = "rundlet"
_LARGEST = 64 << 20  # bytes of one of the JSON files


class Archive(Value):
    """What an archive that was unpacked in `directory` holds.

    id: of the container; image: the name of its image; request: as we wrote it, None for one of
    another engine.
    """

    directory: str
    id: str
    name: str
    image: str
    request: ContainerRequest | None = None


def write(engine: Engine, row: Container, options: Options, files: Files) -> None:
    """Write the archive. Raises NoSpace, StoreError; the file is there whole, or not at all."""
    parts = [*_describe(engine, row, files), *_volumes(engine, row, options, files)]
    if not options.ignore_rootfs:
        parts += _changes(engine, row, files)
    tree = "pre-checkpoint" if options.pre else "checkpoint"
    parts += [name for name in LOGS if os.path.exists(f"{files.work}/{name}")]
    parts += [tree, *_below(files.work, tree)]

    def produce(out: Writable) -> object:
        return write_tree(files.work, out, whiteouts=PLAIN, only=parts)

    beside = f"{options.export}.new"
    try:
        with open(beside, "wb") as out, Produced(produce) as tar:
            os.fchmod(out.fileno(), 0o600)  # the memory of processes
            content = compressed(tar, options.compression)
            shutil.copyfileobj(content, out, 1 << 20)
        os.rename(beside, options.export)
    except OSError as error:
        unlink(beside)
        kind = NoSpace if error.errno == 28 else StoreError
        raise kind(f"cannot write {options.export}: {error.strerror}") from error
    finally:
        for name in (CONFIG, SPEC, DIFF, DELETED, BINDS, NETWORK):
            unlink(f"{files.work}/{name}")
        remove_tree(f"{files.work}/{VOLUMES}")


def _below(base: str, tree: str) -> list[str]:
    return [
        os.path.relpath(f"{where}/{name}", base)
        for where, directories, names in os.walk(f"{base}/{tree}")
        for name in (*directories, *names)
    ]


def _describe(engine: Engine, row: Container, files: Files) -> list[str]:
    request = request_of(row.request)
    document = {
        "id": row.id,
        "name": row.name,
        "rootfsImage": row.image_name,
        "rootfsImageRef": f"sha256:{row.image}",
        "rootfsImageName": row.image_name,
        "runtime": row.runtime,
        "createdTime": rfc3339(row.created),
        "checkpointedTime": rfc3339(json.loads(row.extra).get("checkpoint", {}).get("at", 0)),
        "restoredTime": rfc3339(0),
        "restored": False,
        _OURS: {"request": json.loads(row.request)},
    }
    binds = [
        {
            "source": mount.source,
            "destination": mount.destination,
            "file_type": "directory" if os.path.isdir(mount.source) else "file",
            "permissions": os.stat(mount.source).st_mode & 0o7777,
        }
        for mount in request.mounts
        if mount.kind == "bind" and os.path.exists(mount.source)
    ]
    _dump(files, CONFIG, document)
    _dump(files, BINDS, binds)
    _dump(files, NETWORK, json.loads(row.network) if row.network else {})
    shutil.copyfile(Paths(engine, row.id).config, f"{files.work}/{SPEC}")
    return [CONFIG, SPEC, BINDS, NETWORK]


def _dump(files: Files, name: str, document: object) -> None:
    with open(f"{files.work}/{name}", "w", encoding="utf-8") as file:
        json.dump(document, file)


def _changes(engine: Engine, row: Container, files: Files) -> list[str]:
    """What the container has changed of its image."""
    if not row.layer:
        return []
    found = list(changes(engine, row))
    kept = [change.path.lstrip("/") for change in found if change.kind != "D"]
    with mounting.mounted(engine, row) as root, open(f"{files.work}/{DIFF}", "wb") as out:
        write_tree(root, out, whiteouts=PLAIN, only=kept)
    _dump(files, DELETED, [change.path for change in found if change.kind == "D"])
    return [DIFF, DELETED]


def _volumes(engine: Engine, row: Container, options: Options, files: Files) -> list[str]:
    from ...state.containers import volumes

    names = [name for name, _, _ in volumes(engine.database, row.id)]
    if options.ignore_volumes or not names:
        return []
    os.makedirs(f"{files.work}/{VOLUMES}", mode=0o700, exist_ok=True)
    for name in names:
        with open(f"{files.work}/{VOLUMES}/{name}.tar", "wb") as out:
            engine.volumes.export(name, out)
    return [VOLUMES, *_below(files.work, VOLUMES)]


def scratch(engine: Engine) -> staging.Scratch:
    """A directory for an archive's content, on the file system of containers; what a killed
    process left of others goes."""
    home = f"{engine.settings.graph_root}/checkpoints"
    staging.collect(home)
    return staging.Scratch(home)


def unpack(path: str, directory: str, tree: str = "checkpoint") -> Archive:
    """Unpack an archive, compressed or not, in an empty directory.

    tree: "pre-checkpoint" for one of the memory alone. Raises InvalidArgument for what is not
    there or is none, Corrupt, UnsafeArchive, NoSpace.
    """
    try:
        stream = open(path, "rb")  # noqa: SIM115 (closed below; only opening is explained)
    except OSError as error:
        raise InvalidArgument(f"checkpoint {path}: {error.strerror}") from None
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with decompressed(stream) as plain:
            extract(plain, root, whiteouts=PLAIN)
    except Corrupt as error:
        raise Corrupt(f"checkpoint {path}: {error}") from error
    finally:
        os.close(root)
    if not os.path.isdir(f"{directory}/{tree}"):
        raise InvalidArgument(f"{path} is no archive of a checkpoint: it has no {tree}/")
    return _described(path, directory)


def _described(path: str, directory: str) -> Archive:
    document = load(directory, CONFIG)
    if not isinstance(document, dict):
        raise Corrupt(f"{path}: {CONFIG} is not there or no JSON object")
    image = str(document.get("rootfsImageName") or document.get("rootfsImageRef") or "")
    request = None
    ours = document.get(_OURS)
    if isinstance(ours, dict) and isinstance(ours.get("request"), dict):
        try:
            request = request_of(json.dumps(ours["request"]))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise Corrupt(f"{path}: the request in {CONFIG} cannot be read: {error}") from None
    identity, name = str(document.get("id", "")), str(document.get("name", ""))
    return Archive(directory, identity, name, image, request)


def load(directory: str, name: str) -> Any:
    """The JSON in a file of an archive; None where there is no such file, or none of JSON."""
    file = f"{directory}/{name}"
    try:
        if os.path.islink(file) or os.stat(file).st_size > _LARGEST:
            return None
        with open(file, encoding="utf-8") as opened:
            return json.load(opened)
    except (OSError, ValueError, RecursionError):
        return None
