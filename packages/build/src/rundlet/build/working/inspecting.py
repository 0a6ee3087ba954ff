"""What `inspect` tells of a working container or an image, with buildah's keys."""

from __future__ import annotations

import json

from rundlet.core.format.times import rfc3339

from .commit import DOCKER_ONLY
from .record import of_image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rundlet.core import Engine
    from rundlet.core.state.images import Image

    from .container import WorkingContainer
    from .record import Record

_TYPE = "buildah 0.0.1"
_DOCKER_CONFIG: dict[str, Any] = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": [],
    "Labels": None,
}


def of_container(container: WorkingContainer) -> dict[str, Any]:
    """The document of `inspect --type container`."""
    record, engine = container.config, container.engine
    base = engine.images.get(container.row.image) if container.row.image else None
    document = _document(engine, base)
    found = _inspected(engine, base, record, document, container.row.created)
    annotations = {
        **record.annotations,
        "org.opencontainers.image.base.digest": record.image_digest,
        "org.opencontainers.image.base.name": record.image_name,
    }
    return {
        **found,
        "Container": container.name,
        "ContainerID": container.id,
        "MountPoint": container.mountpoint,
        "ImageAnnotations": annotations,
        "ImageCreatedBy": record.created_by,
        "Isolation": container.config.isolation,
        "History": record.added_history or None,
    }


def of_image_document(engine: Engine, image: Image) -> dict[str, Any]:
    """The document of `inspect --type image`."""
    name = next(iter(image.names), "")
    record = of_image(engine, image, name)
    document = _document(engine, image)
    found = _inspected(engine, image, record, document, image.created)
    found["OCIv1"]["rootfs"] = document.get("rootfs")
    found["OCIv1"]["history"] = document.get("history")
    return found


def _document(engine: Engine, image: Image | None) -> Mapping[str, Any]:
    return {} if image is None else engine.images.config(image).document


def _inspected(
    engine: Engine,
    image: Image | None,
    record: Record,
    document: Mapping[str, Any],
    created: int,
) -> dict[str, Any]:
    manifest = "" if image is None else engine.blobs.read(image.manifest).decode()
    config = {key: value for key, value in record.config.items() if value not in (None, {}, [], "")}
    oci = {key: value for key, value in config.items() if key not in DOCKER_ONLY}
    head: dict[str, Any] = {"created": rfc3339(created)}
    if record.author:
        head["author"] = record.author
    head |= {"architecture": record.architecture, "os": record.os}
    if record.variant:
        head["variant"] = record.variant
    docker = {**_DOCKER_CONFIG, **config}
    whole = json.dumps(document, separators=(",", ":")) if document else ""
    rootfs = document.get("rootfs") or {"type": "", "diff_ids": None}
    commented = {"comment": record.comment} if record.comment else {}
    return {
        "Type": _TYPE,
        "FromImage": record.image_name,
        "FromImageID": "" if image is None else image.id,
        "FromImageDigest": record.image_digest,
        "Config": whole,
        "Manifest": manifest,
        "Container": "",
        "ContainerID": "",
        "MountPoint": "",
        "ProcessLabel": "",
        "MountLabel": "",
        "ImageAnnotations": record.annotations,
        "ImageCreatedBy": "",
        "OCIv1": {**head, **_versions(record), "config": oci, "rootfs": rootfs},
        "Docker": {**head, **commented, "container_config": docker, "config": docker},
        "DefaultMountsFilePath": "",
        "Isolation": "",
        "NamespaceOptions": None,
        "Capabilities": None,
        "History": None,
        "Devices": [],
    }


def _versions(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if record.os_version:
        found["os.version"] = record.os_version
    if record.os_features:
        found["os.features"] = record.os_features
    return found
