"""The `Config` object of inspect: what runs in the container."""

from __future__ import annotations

from .settled import settled
from .stop import stop_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..engine import Engine
    from .inspect import Known
    from .request import ContainerRequest


def config(engine: Engine, known: Known) -> dict[str, Any]:
    """podman container inspect's Config."""
    request, image, spec = known.request, known.image, known.spec
    process = spec.get("process", {})
    entrypoint = request.entrypoint if request.entrypoint is not None else image.get("Entrypoint")
    words = list(process.get("args") or known.row.command.split())
    found: dict[str, Any] = {
        "Hostname": spec.get("hostname", request.hostname or known.row.id[:12]),
        "Domainname": "",
        "User": request.user or image.get("User") or "",
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Tty": request.terminal,
        "OpenStdin": request.stdin,
        "StdinOnce": False,
        "Env": list(process.get("env") or _environment(known)),
        "Cmd": _command(request.command, image, words),
        "Image": known.row.image_name,
        "Volumes": None,
        "WorkingDir": process.get("cwd") or request.workdir or image.get("WorkingDir") or "/",
        "Entrypoint": " ".join(entrypoint or ()),
        "OnBuild": None,
        "Labels": _labels(known) or None,
        "Annotations": dict(spec.get("annotations") or _annotations(engine, known)),
        "StopSignal": stop_signal(known.row),
    }
    found |= _health(request, image)
    if request.create_command:
        found["CreateCommand"] = list(request.create_command)
    if request.systemd == "always":
        found["SystemdMode"] = True
    if request.timezone:
        found["Timezone"] = request.timezone
    timeout = request.stop_timeout
    return {
        **found,
        "Umask": request.umask or settled(engine, known.row).umask,
        "Timeout": request.timeout,
        "StopTimeout": engine.settings.stop_timeout if timeout is None else timeout,
        "Passwd": True,
        "sdNotifyMode": request.sdnotify,
    }


def _annotations(engine: Engine, known: Known) -> dict[str, str]:
    """Those of a container that was never started, as its spec will have them."""
    from ..spec.notes import notes
    from ..spec.plan import SpecPlan

    plan = SpecPlan(
        request=known.request,
        container=known.row.id,
        rootfs="",
        image=known.image,
        settings=settled(engine, known.row),
    )
    return notes(plan, [])


def _health(request: ContainerRequest, image: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    check = {**(image.get("Healthcheck") or {}), **(request.healthcheck or {})}
    if check:
        found["Healthcheck"] = check
    if request.startup_healthcheck:
        found["StartupHealthCheck"] = dict(request.startup_healthcheck)
    return {
        **found,
        "HealthcheckOnFailureAction": request.health_on_failure,
        "HealthLogDestination": request.health_log_destination,
        "HealthcheckMaxLogCount": request.health_max_log_count,
        "HealthcheckMaxLogSize": request.health_max_log_size,
    }


def _command(command: tuple[str, ...] | None, image: Any, words: list[str]) -> list[str] | None:
    """What follows the entrypoint: the user's words, else the image's."""
    return list(command or image.get("Cmd") or ()) or words or None


def _environment(known: Known) -> list[str]:
    return [
        *(known.image.get("Env") or ()),
        *(f"{name}={value}" for name, value in known.request.env.items()),
    ]


def _labels(known: Known) -> dict[str, str]:
    from .. import json

    labels: dict[str, str] = json.loads(known.row.labels)
    return labels
