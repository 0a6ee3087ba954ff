"""A container is made: from the request to a row, a writable layer and a bundle directory.

The row comes first (status "creating"), so that whatever a killed process leaves belongs
to a container that the next command finds and removes.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack

from .. import json
from ..cgroups import limits
from ..errors import AlreadyExists, InvalidArgument
from ..format import signals
from ..linux.processes import start_time
from ..spec import capabilities, devices, mount_options, namespaces
from ..spec.mounts import check_destination
from ..state import containers as rows
from ..state.containers import Container
from . import (
    cgroupless,
    id_files,
    joined,
    links,
    log_driver,
    names,
    network,
    notify,
    restart,
    sdnotify,
    secrets,
    settled,
    userns,
    volumes,
)
from .health.plan import validate
from .mounts import check_content, check_source, fill_volumes
from .paths import Paths
from .source import Pulling, Source, resolve
from .state import boot_id
from .stored import request_text
from .trees import remove_tree
from .unfinished import await_removal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from .request import ContainerRequest

_ATTEMPTS = 50


def create(
    engine: Engine,
    request: ContainerRequest,
    pulling: Pulling | None = None,
    identity: str = "",
) -> Container:
    """Make a container that can be started. pulling: how to get an image that is not here.

    identity: its id, where it is not a new one. Raises InvalidArgument, AlreadyExists for the
    name, NoSuchImage, NoSuchArtifact, NoSuchNetwork, DeniedByPolicy, DriverUnavailable, and what
    the storage raises; nothing is left then.
    """
    _check(request)
    check_content(engine, request.mounts)
    request = _settled(engine, request)
    network.check(engine, request)
    log_driver.check(engine, request)
    source = resolve(engine, request, pulling or Pulling())
    validate(request, source.config)
    request = _with_ports(engine, request, source)
    words = _command(request, source)
    request = _with_systemd(joined.by_id(engine, request), source, words)
    command = " ".join(words)
    runtime = _runtime(engine, request, source)
    with ExitStack() as undo:
        row = _reserve(engine, request, source, runtime, command, identity)
        undo.callback(rows.delete, engine.database, row.id)
        sdnotify.check(request, engine.plugins.runtime(runtime), row.id)
        id_file = id_files.reserve(request, undo)
        request = volumes.prepare(engine, row, request, source.config, undo)
        row = _layer(engine, row, source, undo)
        request = userns.prepare(engine, row, request)
        _bundle(engine, row, undo)
        secrets.prepare(engine, row, request)
        id_files.fill(id_file, row.id)
        row = _finish(engine, row, request, source)
        if engine.settings.prepare_volume_on_create:
            fill_volumes(engine, row, request)
        undo.pop_all()
    notify.event(engine, row, "create", **_inspected(engine, row))
    if notify.listeners(engine):
        engine.plugins.call("rundlet_container_created", container=notify.view(engine, row))
    return row


def _inspected(engine: Engine, row: Container) -> dict[str, str]:
    """For audits: what `inspect` tells, where the settings ask for it."""
    if not engine.settings.create_events_inspect:
        return {}
    from .inspect import inspect

    return {"containerInspectData": json.dumps(inspect(engine, row, size=True))}


def _check(request: ContainerRequest) -> None:
    if request.name:
        names.check(request.name)
    if restart.policy(request.restart).name != "no" and request.auto_remove:
        raise InvalidArgument(
            'the --rm option conflicts with --restart, when the restartPolicy is not "" and "no"'
        )
    if request.stop_signal:
        signals.number(request.stop_signal)
    capabilities.check(request)
    devices.check(request.devices)
    limits.check(request.resources)
    namespaces.check(request)
    joined.check_paths(request)
    for mount in request.mounts:
        if mount.destination or mount.kind != "glob":  # without one: where the files are here
            check_destination(mount)
        check_source(mount)
        mount_options.check(mount.kind, links.plain(mount).options)


def _with_ports(engine: Engine, request: ContainerRequest, source: Source) -> ContainerRequest:
    """Ports mean nothing without a network of the container's own: podman warns and goes on."""
    if network.mode(engine, request) == "networks":
        addresses = engine.settings.default_host_ips
        if request.publish_all or addresses:
            from .exposed import bound, published

            request = bound(published(request, source.config), addresses)
        if all(port.host_port for port in request.ports):
            return request
        from .exposed import picked

        return picked(request, rows.published(engine.database))
    if not request.ports:
        return request
    kind = network.mode(engine, request).partition(":")[0]
    sys.stderr.write(
        f'Port mappings have been discarded because "{"path" if kind == "ns" else kind}" network'
        " namespace mode does not support them\n"
    )
    return request.replace(ports=())


def _settled(engine: Engine, request: ContainerRequest) -> ContainerRequest:
    """With what the settings say now, and not when it is stopped or its log is read."""
    settings = engine.settings
    stop_timeout = request.stop_timeout
    return request.replace(
        transient=request.transient or settings.transient_store,
        log_driver=log_driver.driver(engine, request),
        stop_timeout=settings.stop_timeout if stop_timeout is None else stop_timeout,
    )


def _command(request: ContainerRequest, source: Source) -> list[str]:
    """Entrypoint and command, without --init; raises InvalidArgument when there is none."""
    from ..spec.plan import SpecPlan
    from ..spec.process import command

    plan = SpecPlan(
        request=request.replace(init=False), container="", rootfs="", image=source.config
    )
    return command(plan)


def _with_systemd(request: ContainerRequest, source: Source, words: list[str]) -> ContainerRequest:
    """Decides on systemd mode, once: "always" or "false", and the signal that goes with it."""
    from ..spec import systemd

    if not systemd.wanted(request.systemd, words):
        return request.replace(systemd="false")
    signal = request.stop_signal or source.config.get("StopSignal") or systemd.STOP_SIGNAL
    return request.replace(systemd="always", stop_signal=str(signal))


def _runtime(engine: Engine, request: ContainerRequest, source: Source) -> str:
    """The runtime as it will be found again: the name or path given, else the driver's name."""
    wanted = request.runtime or _of_platform(engine, source) or engine.settings.runtime
    if wanted.startswith("/") and not os.access(wanted, os.X_OK):
        raise InvalidArgument(f"OCI runtime {wanted} is not installed")
    runtime = engine.plugins.choose_runtime(wanted)
    cgroupless.check(request, runtime)
    return wanted or runtime.name


def _of_platform(engine: Engine, source: Source) -> str:
    """The runtime that the settings give to images of this one's platform, or ""."""
    chosen = engine.settings.platform_runtimes
    if not chosen or not source.image:
        return ""
    image = engine.images.get(source.image)
    return chosen.get(f"{image.os}/{image.architecture}", "")


def _reserve(
    engine: Engine,
    request: ContainerRequest,
    source: Source,
    runtime: str,
    command: str,
    identity: str,
) -> Container:
    """Insert the row that owns everything made from now on. pid is ours while it is not done."""
    row = Container(
        id=identity or names.identifier(),
        name=request.name or names.generate(),
        pod=request.pod or None,
        image=source.image,
        image_name=source.name,
        layer="",
        storage="",
        runtime=runtime,
        status="creating",
        pid=os.getpid(),
        pid_start=start_time(os.getpid()),
        boot=boot_id(),
        created=time.time_ns(),
        command=command,
        ports=ports_text(request),
        labels=json.dumps({**(source.config.get("Labels") or {}), **request.labels}),
        auto_remove=int(request.auto_remove),
        request=request_text(request),
    )
    for _ in range(_ATTEMPTS):
        try:
            rows.insert(engine.database, row)
            return row
        except AlreadyExists:
            if not request.name:
                row = row.replace(name=names.generate())
            elif not await_removal(engine, request.name):
                raise
    raise AlreadyExists("no free container name was found", remedy="give one with --name")


def _layer(engine: Engine, row: Container, source: Source, undo: ExitStack) -> Container:
    """The writable layer, named after the container; none over a root directory."""
    if not source.image:
        return row
    storage = engine.layers.driver.name
    rows.update(engine.database, row.id, layer=row.id, storage=storage)
    engine.layers.create(row.id, source.layer)
    undo.callback(engine.layers.remove, row.id)
    return row.replace(layer=row.id, storage=storage)


def _bundle(engine: Engine, row: Container, undo: ExitStack) -> None:
    path = Paths(engine, row.id).bundle
    os.makedirs(path, mode=0o700)
    undo.callback(remove_tree, path)


def _finish(engine: Engine, row: Container, request: ContainerRequest, source: Source) -> Container:
    row = row.replace(
        status="created",
        pid=0,
        pid_start=0,
        request=request_text(request),
        extra=json.dumps(
            {
                "parent": source.layer,
                "image": dict(source.config),
                "settings": settled.now(engine.settings),
            }
        ),
    )
    rows.update(
        engine.database,
        row.id,
        status=row.status,
        pid=0,
        pid_start=0,
        request=row.request,
        extra=row.extra,
    )
    return row


def ports_text(request: ContainerRequest) -> str:
    """Published ports as `ps` prints them: "0.0.0.0:8000->80/tcp, ..."."""
    return ", ".join(
        f"{port.host_ip or '0.0.0.0'}:{_range(port.host_port, port.size)}"
        f"->{_range(port.container_port, port.size)}/{port.protocol}"
        for port in request.ports
    )


def _range(first: int, size: int) -> str:
    return f"{first}-{first + size - 1}" if size > 1 else str(first)
