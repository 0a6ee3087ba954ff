"""Making an artifact of files (podman-artifact-add(1))."""

from __future__ import annotations

import json
import os
import time

from ..contracts.transport import ManifestBytes, TransportSettings
from ..errors import AlreadyExists, InvalidArgument
from ..format.times import rfc3339
from ..images import manifest as manifests
from ..images.descriptor import Descriptor
from ..images.digests import digest_of
from ..transports.files import failing
from ..value import EMPTY, Value
from . import kinds
from .store import CREATED, TITLE, full_name
from .upkeep import sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..contracts.transport import ImageDestination
    from ..engine import Engine
    from .store import Artifact, Store

_EMPTY = "application/vnd.oci.empty.v1+json"
_EMPTY_CONFIG = {
    "mediaType": _EMPTY,
    "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "size": 2,
    "data": "e30=",
}


class Adding(Value):
    """How: the artifact's type, the files' media type ("" finds it out), annotations of each
    file, and of the artifact when it is made; `append` to one that is there, or make it `anew`.
    """

    artifact_type: str = ""
    file_type: str = ""
    annotations: Mapping[str, str] = EMPTY
    append: bool = False
    anew: bool = False


def add(engine: Engine, store: Store, name: str, paths: Sequence[str], how: Adding) -> str:
    """Make an artifact, or add to one; the digest of its manifest.

    Raises InvalidArgument, AlreadyExists, NoSuchArtifact, NotFound for a file.
    """
    _check(how)
    full = full_name(name)
    if "@" in full:
        raise InvalidArgument(f"{name}: an artifact's digest follows from its files")
    with engine.locks.hold("artifacts", full.replace("/", "_")):
        before = store.find(full)
        if how.append:
            before = store.get(full)
        elif before is not None and not how.anew:
            raise AlreadyExists(
                f"{full}: artifact already exists", remedy="Use --append or --replace."
            )
        digest = _written(store, full, paths, how, before)
    if before is not None and before.digest != digest:
        sweep(store)
    return digest


def _check(how: Adding) -> None:
    if how.append and how.artifact_type:
        raise InvalidArgument("append option is not compatible with type option")
    if how.append and how.anew:
        raise InvalidArgument("append and replace options cannot be used together")


def _written(
    store: Store, full: str, paths: Sequence[str], how: Adding, before: Artifact | None
) -> str:
    document = _document(how, before)
    titles = {(item.get("annotations") or {}).get(TITLE) for item in document["layers"]}
    for path in paths:
        title = _title(path, how)
        if title in titles:
            raise AlreadyExists(f"{title}: file already exists in artifact")
        titles.add(title)
    with store.transport.destination(store.location(full), TransportSettings()) as out:
        for path in paths:
            document["layers"].append(_file(out, path, how))
        _empty(out)
        data = json.dumps(document, separators=(",", ":")).encode()
        out.put_manifest(ManifestBytes(data, manifests.OCI_MANIFEST))
        out.commit()
    return digest_of(data)


def _document(how: Adding, before: Artifact | None) -> dict[str, Any]:
    if how.append and before is not None:
        return {**before.manifest, "layers": list(before.manifest["layers"])}
    return {
        "schemaVersion": 2,
        "mediaType": manifests.OCI_MANIFEST,
        **({"artifactType": how.artifact_type} if how.artifact_type else {}),
        "config": _EMPTY_CONFIG,
        "layers": [],
        "annotations": {**how.annotations, CREATED: rfc3339(time.time_ns())},
    }


def _title(path: str, how: Adding) -> str:
    """What a file is called where the artifact is extracted or mounted."""
    return how.annotations.get(TITLE) or os.path.basename(path)


def _file(out: ImageDestination, path: str, how: Adding) -> dict[str, Any]:
    """Store one file; its descriptor in the manifest. Raises NotFound, InvalidArgument."""
    if not os.path.isfile(path) and os.path.exists(path):
        raise InvalidArgument(f"{path} is no regular file", remedy="Pack it into an archive.")
    with failing(path), open(path, "rb") as stream:
        media_type = how.file_type or kinds.kind(stream.read(kinds.LOOKED_AT))
        stream.seek(0)
        placed = out.put_blob(Descriptor("", -1, media_type), stream)
    return {
        "mediaType": media_type,
        "digest": placed.digest,
        "size": placed.size,
        "annotations": {**how.annotations, TITLE: _title(path, how)},
    }


def _empty(out: ImageDestination) -> None:
    from io import BytesIO

    config = Descriptor(str(_EMPTY_CONFIG["digest"]), 2, _EMPTY)
    if not out.has_blob(config):
        out.put_blob(config, BytesIO(b"{}"))
