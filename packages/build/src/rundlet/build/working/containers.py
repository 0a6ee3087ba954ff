"""All working containers of an engine: made from images, found by name, listed."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack

from rundlet.core.containers.request import ContainerRequest
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import AlreadyExists, InvalidArgument, NoSuchImage
from rundlet.core.images.platforms import native
from rundlet.core.state import containers as rows
from rundlet.core.state.containers import EXTERNAL, Container

from . import record as records
from .container import WorkingContainer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core import Engine
    from rundlet.core.contracts.transport import Platform
    from rundlet.core.images.encryption import Encryption
    from rundlet.core.images.progress import Progress
    from rundlet.core.state.images import Image

    from .record import Record

SCRATCH = "scratch"
_ATTEMPTS = 10_000


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
        from rundlet.core.containers import names, userns

        self._sweep()
        if name:
            names.check(name)
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
        from rundlet.core.containers.unfinished import collect
        from rundlet.core.system import builds

        collect(self._engine)
        builds.sweep(self._engine)

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
        from rundlet.core.containers.names import identifier
        from rundlet.core.containers.state import boot_id
        from rundlet.core.containers.stored import request_text
        from rundlet.core.linux.processes import start_time

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
            boot=boot_id(),
            created=time.time_ns(),
            command="buildah",
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
    from rundlet.core.images.reference import parse

    try:
        path = parse(name).repository
    except InvalidArgument:
        path = name
    return path.rpartition("/")[2].partition(":")[0]
