"""A working container becomes an image (buildah-commit(1))."""

from __future__ import annotations

import time
from contextlib import ExitStack

from rundlet.build import __version__
from rundlet.build.execute.draft import Draft
from rundlet.build.execute.finishing import squash, with_files
from rundlet.build.execute.workspace import keep_timed
from rundlet.core.archive.create import write_tree
from rundlet.core.archive.whiteouts import PLAIN
from rundlet.core.contracts.transport import Platform
from rundlet.core.format.times import rfc3339
from rundlet.core.images.composing import write_image
from rundlet.core.images.names import stored_name
from rundlet.core.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rundlet.build.execute.options import Timestamp
    from rundlet.core.images.composing import NewLayer
    from rundlet.core.state.images import Image

    from .container import WorkingContainer

VERSION_LABEL = "io.buildah.version"
"""What tells images that were built so from others; scripts filter by it."""
DOCKER_ONLY = ("Healthcheck", "Shell", "OnBuild", "Hostname", "Domainname")
"""Fields of a config that image-spec's config.md does not have."""
_BASE = "org.opencontainers.image.base."


class CommitOrder(Value):
    """What to make of a container.

    names: to give to the image. format: "oci" or "docker", "" as `from` said. timestamp: of
    all that is made. files: to add, by path in the image, root's and of mode 644.
    unset_environment, unset_labels, unset_annotations: what to leave out.
    """

    names: tuple[str, ...] = ()
    format: str = ""
    squash: bool = False
    timestamp: Timestamp | None = None
    omit_history: bool = False
    identity_label: bool = True
    unset_environment: tuple[str, ...] = ()
    unset_annotations: tuple[str, ...] = ()
    files: Mapping[str, bytes] = EMPTY
    annotations: Mapping[str, str] = EMPTY


def commit(container: WorkingContainer, order: CommitOrder) -> Image:
    """Make the image. Raises NoSpace and what names and the storage raise; the container stays."""
    engine, config = container.engine, container.config
    docker = (order.format or config.format) == "docker"
    names = tuple(str(stored_name(name)) for name in order.names)
    draft = _base(container)
    if order.squash:
        draft.layers, draft.top, draft.history = [], "", []
    _history(container, draft, order)
    draft.add(_layer(container, order))
    if order.files:
        with ExitStack() as stack:
            root = with_files(engine, draft, order.files, docker, order.timestamp, stack)
            if order.squash:
                squash(engine, draft, root, order.timestamp)
    document = {**draft.document(0, docker=docker), **_more(container, docker)}
    document["created"] = _now(order)
    document["config"] = _config(container, order, docker)
    if order.omit_history:
        document["history"] = []
    annotations = {**_annotations(container), **order.annotations}
    return write_image(
        engine,
        document,
        [layer.blob for layer in draft.layers],
        names=names,
        docker=docker,
        annotations={k: v for k, v in annotations.items() if k not in order.unset_annotations},
    )


def _base(container: WorkingContainer) -> Draft:
    config = container.config
    if container.row.image:
        base = container.engine.images.get(container.row.image)
        draft = Draft.of_image(container.engine, base, config.image_name, Platform())
    else:
        draft = Draft(Platform(config.os, config.architecture, config.variant))
    draft.os, draft.architecture = config.os or draft.os, config.architecture or draft.architecture
    draft.variant, draft.author = config.variant, config.author
    return draft


def _history(container: WorkingContainer, draft: Draft, order: CommitOrder) -> None:
    """The steps that were noted, then that of the layer."""
    config = container.config
    now = _now(order)
    for entry in config.added_history:
        draft.history.append({**entry, "created": now} if order.timestamp else dict(entry))
    step: dict[str, Any] = {"created": now, "created_by": config.created_by or "/bin/sh"}
    if config.author:
        step["author"] = config.author
    comment = config.history_comment
    if config.image_name and not order.squash:
        comment += f"FROM {config.image_name}"  # buildah has nothing between the two
    if comment:
        step["comment"] = comment
    draft.history.append(step)


def _now(order: CommitOrder) -> str:
    if order.timestamp is None:
        return rfc3339(time.time_ns())
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(order.timestamp.seconds))


def _layer(container: WorkingContainer, order: CommitOrder) -> NewLayer:
    """What has changed, or with squash everything, straight into the blob store."""
    engine = container.engine
    if order.squash:
        with container.root() as root:
            return keep_timed(
                engine, lambda out: write_tree(root, out, whiteouts=PLAIN), order.timestamp, ""
            )
    layers, layer, parent = engine.layers, container.row.layer, container.parent
    return keep_timed(engine, lambda out: layers.diff(layer, parent, out), order.timestamp, parent)


def _config(container: WorkingContainer, order: CommitOrder, docker: bool) -> dict[str, Any]:
    """The image config's `config` object."""
    config = dict(container.config.config)
    left = [
        entry
        for entry in config.get("Env") or ()
        if entry.partition("=")[0] not in order.unset_environment
    ]
    config["Env"] = left
    if order.identity_label:
        config["Labels"] = {**(config.get("Labels") or {}), VERSION_LABEL: __version__}
    return {
        key: value
        for key, value in config.items()
        if value not in (None, {}, [], "") and (docker or key not in DOCKER_ONLY)
    }


def _more(container: WorkingContainer, docker: bool) -> dict[str, Any]:
    config = container.config
    found: dict[str, Any] = {}
    if config.os_version:
        found["os.version"] = config.os_version
    if config.os_features:
        found["os.features"] = config.os_features
    if docker and config.comment:
        found["comment"] = config.comment
    return found


def _annotations(container: WorkingContainer) -> dict[str, str]:
    config = container.config
    base = {f"{_BASE}digest": config.image_digest, f"{_BASE}name": config.image_name}
    return {**base, **config.annotations, **base}
