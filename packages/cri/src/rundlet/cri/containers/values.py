"""Containers as the CRI's messages."""

from __future__ import annotations

import json

from rundlet.core import Engine
from rundlet.core.containers.request import Resources
from rundlet.core.containers.stored import request_of
from rundlet.core.contracts.runtime import called

from ..images import values as images
from ..images.values import image_id
from ..pods.values import has_labels
from ..proto import api_pb2 as cri
from . import record, resources, signals
from .record import Made

_STATES = {
    "created": cri.CONTAINER_CREATED,
    "initialized": cri.CONTAINER_CREATED,
    "running": cri.CONTAINER_RUNNING,
    "paused": cri.CONTAINER_RUNNING,
    "stopping": cri.CONTAINER_RUNNING,
    "exited": cri.CONTAINER_EXITED,
}


def state(made: Made) -> cri.ContainerState:
    """The CRI's state of a container."""
    return _STATES.get(made.row.status, cri.CONTAINER_UNKNOWN)


def item(made: Made) -> cri.Container:
    """A container in a list."""
    config, row = made.wanted, made.row
    return cri.Container(
        id=row.id,
        pod_sandbox_id=row.pod or "",
        metadata=config.metadata,
        image=config.image,
        image_ref=image_id(row.image),
        image_id=image_id(row.image),
        state=state(made),
        created_at=row.created,
        labels=config.labels,
        annotations=config.annotations,
    )


def status(engine: Engine, made: Made) -> cri.ContainerStatus:
    """The status of one container. Times are 0 for what has not happened."""
    config, row = made.wanted, made.row
    request = request_of(row.request)
    image = engine.images.find(row.image)
    ended = row.status == "exited"
    found = cri.ContainerStatus(
        id=row.id,
        metadata=config.metadata,
        state=state(made),
        created_at=row.created,
        started_at=row.started,
        finished_at=max(row.finished, row.started) if ended else 0,  # two clocks: ns and a file's
        exit_code=row.exit_code if ended else 0,
        image=config.image if image is None else images.named(image, config.image),
        image_ref=image_id(row.image) if image is None else images.reference(image, config.image),
        image_id=image_id(row.image),
        reason=_reason(made) if ended else "",
        message=_message(made, request.resources) if ended else "",
        labels=config.labels,
        annotations=config.annotations,
        mounts=_mounts(made),
        log_path=made.log,
        resources=cri.ContainerResources(
            linux=resources.message(request.resources, request.oom_score_adj)
        ),
        stop_signal=signals.effective(row, config.stop_signal),
    )
    user = _user(engine, made)
    if user is not None:
        found.user.linux.CopyFrom(user)
    return found


def _mounts(made: Made) -> list[cri.Mount]:
    """As they were asked for; of image volumes also which image that was (KEP-5365)."""
    found = []
    for wanted in made.wanted.mounts:
        mount = cri.Mount()
        mount.CopyFrom(wanted)
        if mount.HasField("image"):
            mount.image.image_ref = made.volumes.get(mount.container_path, "")
        found.append(mount)
    return found


def _reason(made: Made) -> str:
    """The words that kubelet and people know."""
    if made.row.oom_killed:
        return "OOMKilled"
    return "Completed" if made.row.exit_code == 0 else "Error"


def _message(made: Made, limits: Resources) -> str:
    """For people, where the reason does not say all."""
    if made.row.oom_killed and limits.memory:
        return f"it had used its memory limit of {limits.memory} bytes"
    return ""


def _user(engine: Engine, made: Made) -> cri.LinuxContainerUser | None:
    """Whom its first process runs as; None before it was started."""
    from rundlet.core.containers.exec import specification
    from rundlet.core.errors import Corrupt

    if not made.row.started:
        return None
    try:
        found = specification(engine, made.row)["process"]["user"]
    except Corrupt:
        return None
    return cri.LinuxContainerUser(
        uid=found["uid"],
        gid=found["gid"],
        supplemental_groups=found.get("additionalGids") or (),
    )


def info(engine: Engine, made: Made) -> str:
    """What `crictl inspect` shows beside: JSON."""
    from rundlet.core.containers.paths import Paths

    document: dict[str, object] = {
        "sandboxID": made.row.pod,
        "pid": made.row.pid,
        "runtime": called(made.row.runtime),
    }
    try:
        with open(Paths(engine, made.row.id).config, encoding="utf-8") as file:
            document["runtimeSpec"] = json.load(file)
    except (OSError, ValueError):
        pass  # not started yet
    return json.dumps(document)


def listed(engine: Engine, wanted: cri.ContainerFilter) -> list[Made]:
    """The containers that a filter lets through."""
    return [made for made in record.everything(engine) if fits(made, wanted)]


def fits(made: Made, wanted: cri.ContainerFilter) -> bool:
    """Whether a filter lets a container through."""
    if wanted.id and not made.row.id.startswith(wanted.id):
        return False
    if wanted.pod_sandbox_id and not (made.row.pod or "").startswith(wanted.pod_sandbox_id):
        return False
    if wanted.HasField("state") and wanted.state.state != state(made):
        return False
    return has_labels(made.wanted.labels, wanted.label_selector)
