"""A container's changes become an image (podman-commit(1))."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import InvalidArgument, WrongState
from ..format.times import rfc3339
from ..images.changes import apply
from ..images.composing import base_layers, keep_written, write_image
from ..images.names import stored_name
from ..images.platforms import native
from ..value import EMPTY, Value
from . import notify, rootfs, stop
from .export import export
from .exposed import ports
from .stored import request_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..engine import Engine
    from ..images.composing import NewLayer
    from ..state.containers import Container
    from ..state.images import Image
    from .request import ContainerRequest


class CommitOptions(Value):
    """How to commit.

    name: of the image, "" for none. changes: Containerfile instructions. config: an image
    config's `config` object that is merged over it. docker: Docker's format, the only one that
    has a message. squash: all layers as one. include_volumes: the container's volumes become
    the image's. pause: freeze a running container meanwhile.
    """

    name: str = ""
    author: str = ""
    message: str = ""
    changes: tuple[str, ...] = ()
    config: Mapping[str, Any] = EMPTY
    docker: bool = False
    squash: bool = False
    include_volumes: bool = False
    pause: bool = False


def commit(engine: Engine, row: Container, options: CommitOptions) -> Image:
    """Make the image. Raises InvalidArgument, WrongState for a container without a layer."""
    if options.message and not options.docker:
        raise InvalidArgument(
            "messages are only compatible with the docker image format (-f docker)"
        )
    if not row.layer:
        raise WrongState(
            f"container {row.id} runs on a root directory of the host: nothing to commit",
            remedy="Make an image of the directory: tar it, and import that.",
        )
    names = (str(stored_name(options.name)),) if options.name else ()
    config = _config(row, request_of(row.request), options)
    base = engine.images.get(row.image)
    with _frozen(engine, row, options.pause):
        layer = _squashed(engine, row) if options.squash else _changed(engine, row)
    below = () if options.squash else base_layers(engine, base)
    document = _document(engine, row, base, config, layer, options)
    image = write_image(engine, document, (*below, layer.blob), names=names, docker=options.docker)
    notify.event(engine, row, "commit")
    return image


def _changed(engine: Engine, row: Container) -> NewLayer:
    parent = rootfs.parent(row)
    with rootfs.own_layer(engine, row):
        return keep_written(engine, lambda out: engine.layers.diff(row.layer, parent, out), parent)


def _squashed(engine: Engine, row: Container) -> NewLayer:
    return keep_written(engine, lambda out: export(engine, row, out), "")


@contextmanager
def _frozen(engine: Engine, row: Container, wanted: bool) -> Iterator[None]:
    if not wanted or row.status != "running":
        yield
        return
    stop.pause(engine, row)
    try:
        yield
    finally:
        stop.unpause(engine, engine.containers.get(row.id))


def _config(row: Container, request: ContainerRequest, options: CommitOptions) -> dict[str, Any]:
    """The image's config with what the container was told to do instead, then the changes."""
    config: dict[str, Any] = dict(json.loads(row.extra).get("image", {}))
    if request.entrypoint is not None:
        config["Entrypoint"] = list(request.entrypoint)
        config.pop("Cmd", None)
    if request.command:
        config["Cmd"] = list(request.command)
    if request.user:
        config["User"] = request.user
    config["WorkingDir"] = request.workdir or config.get("WorkingDir") or "/"
    if request.stop_signal:
        config["StopSignal"] = request.stop_signal
    if request.healthcheck:
        config["Healthcheck"] = dict(request.healthcheck)
    env = dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
    env.update(request.env)
    config["Env"] = [f"{name}={value}" for name, value in env.items()]
    labels = json.loads(row.labels)
    if labels:
        config["Labels"] = labels
    _expose(config, request)
    if options.include_volumes:
        lasting = (mount for mount in request.mounts if mount.kind not in ("tmpfs", "ramfs"))
        volumes: dict[str, Any] = {mount.destination: {} for mount in lasting}
        config["Volumes"] = {**(config.get("Volumes") or {}), **volumes}
    config.update(options.config)
    apply(config, options.changes)
    return config


def _expose(config: dict[str, Any], request: ContainerRequest) -> None:
    """Add the ports that the container publishes or exposes."""
    own = [(port.container_port, port.protocol) for port in request.ports]
    if own or request.expose:
        every = (*ports(request.expose), *own)
        named: dict[str, Any] = {f"{number}/{protocol}": {} for number, protocol in every}
        config["ExposedPorts"] = {**(config.get("ExposedPorts") or {}), **named}


def _document(
    engine: Engine,
    row: Container,
    base: Image,
    config: dict[str, Any],
    layer: NewLayer,
    options: CommitOptions,
) -> dict[str, Any]:
    """The image config (image-spec config.md): the base's, one layer and one step longer."""
    before = engine.images.config(base)
    now = rfc3339(time.time_ns())
    comment = options.message or f"FROM {row.image_name}"
    step = {"created": now, "created_by": "/bin/sh", "comment": comment}
    if options.author:
        step["author"] = options.author
    diff_ids = () if options.squash else before.diff_ids
    history = () if options.squash else before.history
    here = native()
    document = {
        "created": now,
        "architecture": before.architecture or here.architecture,
        "os": before.os,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [*diff_ids, layer.diff_id]},
        "history": [*history, step],
    }
    author = options.author or before.author
    if author:
        document["author"] = author
    if before.variant:
        document["variant"] = before.variant
    return document
