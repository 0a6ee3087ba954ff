"""CRI-O's status API (crio(8), its `server/inspect.go`): /info, /config, /containers/ID, ..."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import resource
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from rundlet.core import Engine
from rundlet.core.cgroups.layout import layout
from rundlet.core.containers.paths import Paths
from rundlet.core.errors import NoSuchContainer, NoSuchPod

from ..config.show import plain
from ..containers import record as containers
from ..pods import network, options
from ..pods import record as pods
from ..server.node import Node
from .connection import Answer

_EVERY_ID = [{"container_id": 0, "host_id": 0, "size": 4294967295}]


class Api:
    """What one server tells of itself; called with a method and a path."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, method: str, path: str) -> Answer:
        if method != "GET":
            return Answer(b"only GET is known here\n", 405)
        if path == "/config":
            return Answer(plain(self._node.config).encode(), kind="application/toml")
        if path == "/debug/goroutines":
            return Answer(_stacks().encode())
        if path == "/debug/heap":
            return Answer(_memory().encode())
        if path == "/info":
            return await self._json(_info)
        kind, _, identity = path[1:].partition("/")
        if identity and "/" not in identity:
            if kind == "containers":
                return await self._json(_container, identity)
            if kind in ("pause", "unpause"):
                await self._node.workers.once((kind, identity), _CHANGES[kind], identity)
                return Answer(b"200 OK")
        return Answer(b"404 page not found\n", 404)

    async def _json(self, function: Callable[..., dict[str, Any]], *words: str) -> Answer:
        found = await self._node.workers.run(function, *words)
        return Answer(json.dumps(found).encode(), kind="application/json")


def _info(engine: Engine) -> dict[str, Any]:
    settings = engine.settings
    return {
        "storage_driver": engine.layers.driver.name,
        "storage_image": "",
        "storage_root": settings.graph_root,
        "cgroup_driver": layout(settings.cgroup_manager).manager,
        "default_id_mappings": {"uids": _EVERY_ID, "gids": _EVERY_ID},
    }


def _container(engine: Engine, identity: str) -> dict[str, Any]:
    """A container; also a sandbox, whose id cAdvisor asks for. Raises NoSuchContainer."""
    try:
        made = containers.find(engine, identity)
    except NoSuchContainer:
        return _sandbox(engine, identity)
    pod = pods.find(engine, made.row.pod or "")
    config = made.wanted
    return {
        "name": made.row.name,
        "pid": made.row.pid if made.row.status in ("running", "paused", "stopping") else 0,
        "image": made.row.image_name,
        "image_ref": made.row.image or "",
        "created_time": made.row.created,
        "labels": dict(config.labels),
        "annotations": dict(config.annotations),
        "crio_annotations": dict(pod.sandbox.annotations),
        "log_path": made.log,
        "root": _root(engine, made.row.id),
        "sandbox": pod.id,
        "ip_addresses": network.addresses(pod),
        "host_network": options.host_network(pod.sandbox),
    }


def _root(engine: Engine, container: str) -> str:
    """Where the root of a container is mounted while it runs; "" before it was started."""
    try:
        with open(Paths(engine, container).config, encoding="utf-8") as file:
            return str(json.load(file)["root"]["path"])
    except (OSError, ValueError, KeyError):
        return ""


def _sandbox(engine: Engine, identity: str) -> dict[str, Any]:
    try:
        pod = pods.find(engine, identity)
    except NoSuchPod:
        raise NoSuchContainer(identity) from None
    config = pod.sandbox
    running = (one.row.pid for one in containers.everything(engine, pod.id)
               if one.row.status == "running")  # fmt: skip
    return {
        "name": pod.name,
        "pid": pod.infra or next(running, 0),
        "image": "",
        "image_ref": "",
        "created_time": pod.created,
        "labels": dict(config.labels),
        "annotations": dict(config.annotations),
        "crio_annotations": {},
        "log_path": config.log_directory,
        "root": "",
        "sandbox": pod.id,
        "ip_addresses": network.addresses(pod),
        "host_network": options.host_network(config),
    }


def _pause(engine: Engine, identity: str) -> None:
    engine.containers.pause(containers.find(engine, identity).row.id)


def _unpause(engine: Engine, identity: str) -> None:
    engine.containers.unpause(containers.find(engine, identity).row.id)


_CHANGES = {"pause": _pause, "unpause": _unpause}


def _stacks() -> str:
    """What every thread and every task of the loop is doing."""
    out = io.StringIO()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for identity, frame in sys._current_frames().items():
        out.write(f"thread {names.get(identity, identity)}:\n")
        traceback.print_stack(frame, file=out)
        out.write("\n")
    for task in asyncio.all_tasks():
        out.write(f"task {task.get_name()} {task.get_coro()!r}:\n")
        for frame in task.get_stack():
            out.write(f"  {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}\n")
        out.write("\n")
    return out.getvalue()


def _memory() -> str:
    """The process's memory, and the commonest kinds of its objects."""
    counts: dict[str, int] = {}
    for found in gc.get_objects():
        name = type(found).__qualname__
        counts[name] = counts.get(name, 0) + 1
    most = sorted(counts.items(), key=lambda pair: -pair[1])[:30]
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = [
        f"resident: {pages * resource.getpagesize()} bytes",
        f"largest: {largest * 1024} bytes",
        f"threads: {threading.active_count()}",
        "",
        *(f"{count:8} {name}" for name, count in most),
    ]
    return "\n".join(lines) + "\n"
