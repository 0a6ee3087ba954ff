"""Whole pods in an archive: `pod.dump` (how to make it) and `containers/NAME.tar` of each."""

from __future__ import annotations

import base64
import json
import os
import tarfile
from collections.abc import Iterable
from contextlib import ExitStack

from rundlet.core import Engine
from rundlet.core.archive.extract import extract
from rundlet.core.archive.whiteouts import PLAIN
from rundlet.core.containers.checkpoint.archive import load, scratch
from rundlet.core.errors import Corrupt, InvalidArgument, StoreError, WrongState

from ..containers import life, restoring
from ..containers import record as containers
from ..proto import api_pb2 as cri
from . import record, run, stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_POD = "pod.dump"
_CONTAINERS = "containers"


def checkpoint(engine: Engine, request: cri.CheckpointPodRequest) -> None:
    """Write the containers of a pod that run, or those that are named; all go on.

    Raises NoSuchPod, NoSuchContainer, WrongState, NotSupported, InvalidArgument, NoSpace; there
    is no file then.
    """
    _check(request.options)
    pod = record.find(engine, request.pod_sandbox_id)
    if not request.output_path.startswith("/"):
        raise InvalidArgument(f"output_path {request.output_path!r} is no absolute path")
    chosen = [containers.find(engine, one) for one in request.container_ids]
    if any(made.row.pod != pod.id for made in chosen):
        raise InvalidArgument(f"container_ids are not all of pod {pod.id}")
    every = containers.everything(engine, pod.id)
    chosen = chosen or [made for made in every if made.row.status == "running"]
    if not chosen:
        raise WrongState(f"pod {pod.id} has no container that runs")
    with scratch(engine) as directory:
        os.mkdir(f"{directory}/{_CONTAINERS}", 0o700)
        for made in chosen:
            name = made.wanted.metadata.name
            path = f"{directory}/{_CONTAINERS}/{name}.tar"
            restoring.checkpoint(engine, made.row.id, path)
        document = {
            "config": _text(pod.config),
            "handler": pod.handler,
            "containers": {made.wanted.metadata.name: _text(made.config) for made in chosen},
        }
        with open(f"{directory}/{_POD}", "w", encoding="utf-8") as file:
            json.dump(document, file)
        _write(directory, request.output_path)


def restore(engine: Engine, request: cri.RestorePodRequest) -> cri.RestorePodResponse:
    """Make the pod and its containers, which go on. Nothing is left when one cannot.

    What the request does not say (config, container_configs by name) is as it was.
    """
    _check(request.options)
    with scratch(engine) as directory, ExitStack() as undo:
        configs = _read(request, directory)
        config = request.config if request.HasField("config") else configs.pod
        pod = run.run(engine, config, request.runtime_handler or configs.handler)
        undo.callback(stop.remove, engine, pod)
        answer = cri.RestorePodResponse(pod_sandbox_id=pod)
        wanted = {one.metadata.name: one for one in request.container_configs}
        for name, kept in configs.containers.items():
            path = f"{directory}/{_CONTAINERS}/{name}.tar"
            made = life.create(engine, pod, wanted.pop(name, kept), checkpoint=path)
            life.start(engine, made)
            answer.restored_containers.add(name=name, container_id=made)
        if wanted:
            raise InvalidArgument(f"container_configs: {', '.join(wanted)}: not in the checkpoint")
        undo.pop_all()
    return answer


class _Configs:
    """What pod.dump tells. Raises InvalidArgument for what is none."""

    def __init__(self, path: str, document: Any) -> None:
        try:
            self.handler = str(document["handler"])
            self.pod = cri.PodSandboxConfig.FromString(base64.b64decode(document["config"]))
            self.containers = {
                str(name): cri.ContainerConfig.FromString(base64.b64decode(text))
                for name, text in document["containers"].items()
            }
        except Exception as error:  # what is in it may be anything
            raise InvalidArgument(f"{path} is no archive of a pod: {error!r}") from None


def _read(request: cri.RestorePodRequest, directory: str) -> _Configs:
    path = request.checkpoint_path
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open(path, "rb") as stream:
            extract(stream, root, whiteouts=PLAIN)
    except OSError as error:
        raise InvalidArgument(f"checkpoint_path {path}: {error.strerror}") from None
    except Corrupt as error:
        raise InvalidArgument(f"checkpoint_path {path}: {error}") from None
    finally:
        os.close(root)
    return _Configs(path, load(directory, _POD))


def _check(options: Iterable[str]) -> None:
    unknown = sorted(options)
    if unknown:
        raise InvalidArgument(f"there are no options for checkpoints of pods: {unknown}")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _write(directory: str, path: str) -> None:
    beside = f"{path}.new"
    try:
        with open(beside, "wb") as out:
            os.fchmod(out.fileno(), 0o600)  # the memory of processes
            with tarfile.open(fileobj=out, mode="w") as tar:
                for name in (_POD, _CONTAINERS):
                    tar.add(f"{directory}/{name}", name)
        os.rename(beside, path)
    except OSError as error:
        if os.path.exists(beside):
            os.unlink(beside)
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
