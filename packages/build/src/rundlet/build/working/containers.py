"""Working containers: rows of the state with a writable layer, which outlive their command."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rundlet.build.execute import running as runs
from rundlet.build.execute.mapped import mapped
from rundlet.core.containers import mounting, rename, userns
from rundlet.core.containers.create import valid_name
from rundlet.core.containers.names import identifier
from rundlet.core.containers.remove import collect
from rundlet.core.containers.request import ContainerRequest
from rundlet.core.containers.state import boot_id
from rundlet.core.containers.stored import request_of, request_text
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import AlreadyExists, InvalidArgument, NoSuchContainer, NoSuchImage
from rundlet.core.images.reference import parse
from rundlet.core.linux.processes import start_time
from rundlet.core.state import containers as rows
from rundlet.core.state.containers import EXTERNAL, Container

from . import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core import Engine
    from rundlet.core.contracts.transport import Platform
    from rundlet.core.images.encryption import Encryption
    from rundlet.core.images.progress import Progress
    from rundlet.core.state.images import Image

    from .commit import CommitOrder
    from .copying import CopyOrder
    from .record import Record
    from .running import RunOrder

SCRATCH = "scratch"
_ATTEMPTS = 10_000
_PATIENCE = 3600.0
"""Seconds to wait for another command in a container with a user namespace."""


class WorkingContainer:
    """One working container. `config` is read when first asked for; `save` keeps its changes."""

    def __init__(self, engine: Engine, row: Container) -> None:
        self._engine = engine
        self.row = row
        self._config: Record | None = None

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def parent(self) -> str:
        """The chain ID of the image's top layer, "" for scratch."""
        return str(json.loads(self.row.extra).get("parent", ""))

    @property
    def template(self) -> ContainerRequest:
        """What `from` said of the containers that `run` makes."""
        return self.config.with_maps(request_of(self.row.request))

    @property
    def config(self) -> Record:
        """What the image is to say; change it, then `save`."""
        if self._config is None:
            self._config = records.load(self.row)
        return self._config

    def save(self) -> None:
        """Keep the changes of `config`. Raises NoSuchContainer when it is gone meanwhile."""
        extra = records.stored(self.row.extra, self.config)
        if not rows.update(self._engine.database, self.id, extra=extra):
            raise NoSuchContainer(self.name)
        self.row = self.row.replace(extra=extra)

    def mount(self) -> str:
        """Mount the root file system until `unmount`; where."""
        return mounting.mount(self._engine, self.row)

    def unmount(self) -> None:
        """Undo `mount`; nothing happens when it is not mounted."""
        mounting.unmount(self._engine, self.row)

    @property
    def mountpoint(self) -> str:
        """Where `mount` has mounted it, "" for nowhere."""
        return self.mount() if mounting.is_mounted(self._engine, self.row) else ""

    @contextmanager
    def root(self) -> Iterator[str]:
        """The root directory, mounted at least until the context ends."""
        with mounting.mounted(self._engine, self.row) as path:
            yield path

    @contextmanager
    def mapped(self, request: ContainerRequest) -> Iterator[None]:
        """The mounted root as a request's user namespace is to see it, for one at a time."""
        if not request.uid_map:
            yield
            return
        with (
            self._engine.locks.hold("build-run", self.id, timeout=_PATIENCE),
            mapped(self._engine.layers, self.row.layer, self.parent, request),
        ):
            yield

    def run(self, order: RunOrder) -> int:
        """Run a command in it; the exit code (working/running.py)."""
        from .running import run

        return run(self, order)

    def copy(self, order: CopyOrder) -> str:
        """Copy files into it; a digest of them (working/copying.py)."""
        from .copying import copy

        return copy(self, order)

    def commit(self, order: CommitOrder) -> Image:
        """Make an image of it (working/commit.py)."""
        from .commit import commit

        return commit(self, order)

    def rename(self, name: str) -> None:
        """Give it another name. Raises InvalidArgument, AlreadyExists."""
        self.row = rename.rename(self._engine, self.row, name)

    def remove(self) -> None:
        """Remove it, mounted or not."""
        self._engine.containers.remove(self.id, force=True, timeout=0)


class WorkingContainers:
    """The working containers of an engine. Names may be names, ids and beginnings of ids."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(
        self,
        image: str,
        name: str = "",
        *,
        pull: str = "missing",
        settings: TransportSettings = TransportSettings(),  # noqa: B008 (frozen)
        platform: Platform | None = None,
        progress: Progress | None = None,
        template: ContainerRequest = ContainerRequest(),  # noqa: B008 (frozen)
        format: str = "oci",
        isolation: str = "oci",
        encryption: Encryption | None = None,
    ) -> WorkingContainer:
        """Make one from an image of any name, or from "scratch".

        pull: always | missing | never | newer. name: "" for `IMAGE-working-container[-N]`.
        Raises NoSuchImage, AlreadyExists for the name, and what a pull and the storage raise.
        """
        self._sweep()
        if name:
            valid_name(name)
        if image == SCRATCH:
            record, found, parent = _scratch(platform), "", ""
        else:
            base = self._image(image, pull, settings, platform, progress, encryption)
            own = _display_name(base, image)
            record, found = records.of_image(self._engine, base, own), base.id
            parent = base.top_layer or ""
        record.format, record.isolation = format, isolation
        template = userns.without_container(self._engine, template)
        record.keep_maps(template)
        template = template.replace(uid_map=(), gid_map=(), userns="")  # only while a command runs
        with ExitStack() as undo:
            row = self._reserve(record, found, parent, name, template)
            undo.callback(rows.delete, self._engine.database, row.id)
            self._engine.layers.create(row.layer, parent)
            undo.callback(self._engine.layers.remove, row.layer)
            row = row.replace(status=EXTERNAL, pid=0, pid_start=0)
            rows.update(self._engine.database, row.id, status=EXTERNAL, pid=0, pid_start=0)
            undo.pop_all()
        return WorkingContainer(self._engine, row)

    def get(self, name: str) -> WorkingContainer:
        """Raises NoSuchContainer, AmbiguousName; InvalidArgument for one that `run` runs."""
        row = rows.find(self._engine.database, name)
        if row.status != EXTERNAL:
            raise InvalidArgument(
                f"container {name} is not a working container",
                remedy="rundlet-build containers lists those.",
            )
        return WorkingContainer(self._engine, row)

    def list(self) -> list[WorkingContainer]:
        """All of them, oldest first."""
        return [WorkingContainer(self._engine, row) for row in rows.external(self._engine.database)]

    def _sweep(self) -> None:
        """Remove what killed commands have left half made."""
        collect(self._engine)
        runs.sweep(self._engine)

    def _image(
        self,
        name: str,
        pull: str,
        settings: TransportSettings,
        platform: Platform | None,
        progress: Progress | None,
        encryption: Encryption | None,
    ) -> Image:
        found = self._engine.images.find(name)
        fits = found is not None and (
            platform is None or found.architecture in ("", platform.architecture)
        )
        if found is not None and fits and (pull in ("missing", "never") or _is_id(found, name)):
            return found
        if pull == "never":
            raise NoSuchImage(name)
        if found is not None and any(
            full.startswith("localhost/") for full in _called(found, name)
        ):
            return found  # no registry has it
        return self._engine.images.pull(
            name,
            policy=pull,
            settings=settings,
            platform=platform,
            progress=progress,
            encryption=encryption,
        )

    def _reserve(
        self,
        record: Record,
        image: str,
        parent: str,
        name: str,
        template: ContainerRequest,
    ) -> Container:
        """Insert the row that owns everything made from now on; its pid is ours till then."""
        identity = identifier()
        row = Container(
            id=identity,
            name=name,
            pod=None,
            image=image,
            image_name=record.image_name or SCRATCH,
            layer=identity,
            storage=self._engine.layers.driver.name,
            runtime=template.runtime or self._engine.settings.runtime or "",
            status="creating",
            pid=os.getpid(),
            pid_start=start_time(os.getpid()),
            monitor_pid=0,
            monitor_start=0,
            boot=boot_id(),
            exit_code=0,
            oom_killed=0,
            restarts=0,
            health="",
            created=time.time_ns(),
            started=0,
            finished=0,
            command="buildah",
            ports="",
            labels="{}",
            auto_remove=0,
            request=request_text(template),
            extra=records.stored(json.dumps({"parent": parent, "image": record.config}), record),
        )
        prefix = f"{_base_name(record.image_name or image[:12])}-" if image else ""
        for number in range(_ATTEMPTS):
            default = f"{prefix}working-container" + (f"-{number}" if number else "")
            try:
                row = row.replace(name=name or default)
                rows.insert(self._engine.database, row)
                return row
            except AlreadyExists:
                if name:
                    raise
        raise AlreadyExists("no free container name was found", remedy="give one with --name")


def _scratch(platform: Platform | None) -> Record:
    from rundlet.core.images.manifest import native

    here = native()
    return records.Record(
        os=(platform.os if platform else "") or here.os,
        architecture=(platform.architecture if platform else "") or here.architecture,
        variant=platform.variant if platform else "",
    )


def _is_id(image: Image, name: str) -> bool:
    return image.id.startswith(name.removeprefix("sha256:")) and name not in image.names


def _called(image: Image, name: str) -> list[str]:
    """Those of an image's names that a name may mean."""
    text = name.removeprefix("docker://")
    bare = text if ":" in text.rpartition("/")[2] else f"{text}:latest"
    return [full for full in image.names if full in (text, bare) or full.endswith(f"/{bare}")]


def _display_name(image: Image, asked: str) -> str:
    return next(iter(_called(image, asked) or image.names), "")


def _base_name(name: str) -> str:
    """The last part of an image's name, without tag and digest (buildah-from(1))."""
    try:
        path = parse(name).repository
    except InvalidArgument:
        path = name
    return path.rpartition("/")[2].partition(":")[0]
