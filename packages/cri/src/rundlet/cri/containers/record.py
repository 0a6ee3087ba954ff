"""A container of a pod: the engine's row, and with it the ContainerConfig it was made from."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from rundlet.core import Engine
from rundlet.core.containers.paths import Paths
from rundlet.core.containers.state import LIVE, derive, has_monitor
from rundlet.core.errors import NoSuchContainer
from rundlet.core.state import containers as rows
from rundlet.core.state.containers import Container
from rundlet.core.value import EMPTY, Value

from ..pods import machine
from ..proto import api_pb2 as cri

_COLUMNS = ", ".join(Container.__fields__)
_KEY = "cri"


class Made(Value):
    """row: in its true state. config: as CreateContainer had it. log: path, "" for none.

    volumes: where image volumes are in the container, to what their images are (image_ref).
    """

    row: Container
    config: bytes
    log: str = ""
    volumes: Mapping[str, str] = EMPTY

    @property
    def wanted(self) -> cri.ContainerConfig:
        """To be read only: it is shared."""
        return _parsed(self.config)


@lru_cache(maxsize=1024)
def _parsed(config: bytes) -> cri.ContainerConfig:
    return cri.ContainerConfig.FromString(config)


@lru_cache(maxsize=1024)
def _kept(extra: str) -> tuple[bytes, str, Mapping[str, str]] | None:
    """What `keep` wrote in a row's text; None before it did."""
    found = json.loads(extra).get(_KEY)
    if found is None:
        return None
    return base64.b64decode(found["config"]), found["log"], found.get("volumes", EMPTY)


def name_of(config: cri.ContainerConfig, pod: str) -> str:
    """The unique name of a container, as dockershim and CRI-O made it. pod: the sandbox's."""
    meta = config.metadata
    name = pod.removeprefix("k8s_").rpartition("_")[0]
    text = f"k8s_{meta.name}_{name}_{meta.attempt}"
    return "".join(letter if letter.isalnum() or letter in "_.-" else "-" for letter in text)


def mark(name: str) -> str:
    """A file's name for a container's, which may be longer than those can be."""
    return hashlib.sha256(name.encode()).hexdigest()


def keep(
    engine: Engine,
    row: Container,
    config: cri.ContainerConfig,
    log: str,
    volumes: Mapping[str, str] = EMPTY,
) -> None:
    """Write fields of Made to the row: from now on the container is there for clients."""
    extra = json.loads(row.extra)
    content = config.SerializeToString(deterministic=True)
    extra[_KEY] = {"config": base64.b64encode(content).decode(), "log": log}
    if volumes:
        extra[_KEY]["volumes"] = dict(volumes)
    rows.update(engine.database, row.id, extra=json.dumps(extra))


def find(engine: Engine, identity: str) -> Made:
    """The container of an id, its unique beginning or a name. Raises NoSuchContainer."""
    made = of(engine, rows.find(engine.database, identity))
    if made is None:
        raise NoSuchContainer(identity)
    return made


def by_name(engine: Engine, name: str) -> Made | None:
    """The container of a whole name."""
    row = engine.database.row(f"SELECT {_COLUMNS} FROM containers WHERE name = ?", name)
    return None if row is None else of(engine, Container(*row))


def everything(engine: Engine, pod: str = "") -> list[Made]:
    """All containers of pods (of one pod), oldest first."""
    found = engine.database.rows(
        f"SELECT {_COLUMNS} FROM containers WHERE pod IS NOT NULL AND (? = '' OR pod = ?)"
        " ORDER BY created, id",
        pod,
        pod,
    )
    return [made for row in _rows(found) if (made := of(engine, row)) is not None]


def unfinished(engine: Engine) -> list[str]:
    """Ids of containers of pods whose maker was killed before `keep`."""
    found = engine.database.rows(f"SELECT {_COLUMNS} FROM containers WHERE pod IS NOT NULL")
    return [
        row.id
        for row in _rows(found)
        if _KEY not in json.loads(row.extra) and not row.name.startswith(machine.PREFIX)
    ]


def _rows(found: Iterable[tuple[Any, ...]]) -> Iterable[Container]:
    return (Container(*row) for row in found)


def of(engine: Engine, row: Container) -> Made | None:
    """What a row is for clients; None for one that is not (yet) theirs."""
    kept = _kept(row.extra)
    if kept is None or row.status in ("creating", "removing"):
        return None
    return Made(_true(engine, row), *kept)


def _true(engine: Engine, row: Container) -> Container:
    """The row in its true state: it has ended once its exit code is known, not a moment before.

    A client that saw another exit code first would believe that one.
    """
    true = derive(engine, row)
    if true.status != "exited" or row.status not in LIVE:
        return true
    # A monitor writes the code before it ends, so whichever is seen first, it is there then.
    if has_monitor(row) and not os.path.exists(Paths(engine, row.id).exit_file):
        return row
    return derive(engine, row)
