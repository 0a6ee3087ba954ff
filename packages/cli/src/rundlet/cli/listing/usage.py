"""What `system df` prints (podman-system-df(1))."""

from __future__ import annotations

import time

from rundlet.core.format.output import pretty, rows
from rundlet.core.format.table import table
from rundlet.core.format.units import ago, duration, size
from rundlet.core.system import usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rundlet.core.engine import Engine

_RUNNING = ("running", "paused", "stopping")


def short(count: int) -> str:
    """Bytes as this verb writes them: "6.398MB"."""
    return size(count, 4).replace(" ", "")


def kinds(engine: Engine) -> list[dict[str, Any]]:
    """A row for images, containers, volumes, and, where there are any (podman has no such rows),
    artifacts and caches of builds: the fields that a template may name.
    """
    images, containers = usage.images(engine), usage.containers(engine)
    volumes, artifacts = usage.volumes(engine), usage.artifacts(engine)
    unfinished = usage.unfinished(engine)
    found = [
        _kind(
            "Images",
            len(images),
            sum(1 for one in images if one.image.containers),
            usage.layers(engine) + unfinished,
            usage.layers(engine, unused=True) + unfinished,
        ),
        _kind(
            "Containers",
            len(containers),
            sum(1 for one in containers if one.container.status in _RUNNING),
            sum(one.size for one in containers),
            sum(one.size for one in containers if one.container.status not in _RUNNING),
        ),
        _kind(
            "Local Volumes",
            len(volumes),
            sum(1 for one in volumes if one.links),
            sum(one.size for one in volumes),
            sum(one.size for one in volumes if not one.links),
        ),
    ]
    if artifacts:
        mounted = sum(1 for one in artifacts if one.containers)
        idle = sum(one.artifact.size for one in artifacts if not one.containers)
        raw = engine.artifacts.used()
        found.append(_kind("Artifacts", len(artifacts), mounted, raw, min(idle, raw)))
    if caches := usage.build_caches(engine):
        raw = sum(one.size for one in caches)
        idle = sum(one.size for one in caches if not one.active)
        active = sum(1 for one in caches if one.active)
        found.append(_kind("Build Caches", len(caches), active, raw, idle))
    return found


def _kind(name: str, total: int, active: int, raw: int, reclaimable: int) -> dict[str, Any]:
    percent = round(100 * reclaimable / raw) if raw else 0
    return {
        "Type": name,
        "Total": total,
        "TotalCount": total,
        "Active": active,
        "RawSize": raw,
        "Size": short(raw),
        "RawReclaimable": reclaimable,
        "Reclaimable": f"{short(reclaimable)} ({percent}%)",
    }


def summary(engine: Engine, form: str) -> str:
    """The rows of `kinds`: as a table, JSON, or by a template."""
    found = kinds(engine)
    if form == "json":
        return pretty(found) + "\n"
    columns = ("Type", "Total", "Active", "Size", "Reclaimable")
    if form:
        return rows(found, form)
    lines = [tuple(name.upper() for name in columns)]
    lines += [tuple(str(row[name]) for name in columns) for row in found]
    return table(lines)


def verbose(engine: Engine) -> str:
    """Everything, one by one."""
    parts = [
        ("Images", list(_images(engine))),
        ("Containers", list(_containers(engine))),
        ("Local Volumes", list(_volumes(engine))),
    ]
    if artifacts := usage.artifacts(engine):
        parts.append(("Artifacts", list(_artifacts(artifacts))))
    if caches := usage.build_caches(engine):
        parts.append(("Build Caches", list(_caches(caches))))
    return "\n".join(f"{name} space usage:\n\n{table(lines)}" for name, lines in parts)


def _images(engine: Engine) -> Iterator[tuple[str, ...]]:
    yield ("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE",
           "CONTAINERS")  # fmt: skip
    now = time.time_ns()
    for one in usage.images(engine):
        image = one.image
        for name in image.names or ("<none>:<none>",):
            repository, _, tag = name.rpartition(":")
            sizes = (short(count) for count in (image.size, one.shared, one.unique))
            since = ago(image.created, now).removesuffix(" ago")
            yield (repository, tag, image.id[:12], since, *sizes, str(image.containers))


def _containers(engine: Engine) -> Iterator[tuple[str, ...]]:
    yield ("CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS",
           "NAMES")  # fmt: skip
    now = time.time_ns()
    for one in usage.containers(engine):
        row = one.container
        since = duration((now - row.created) / 1e9)
        numbers = (str(one.volumes), short(one.size))
        yield (row.id[:12], row.image[:12], row.command, *numbers, since, row.status, row.name)


def _volumes(engine: Engine) -> Iterator[tuple[str, ...]]:
    yield ("VOLUME NAME", "LINKS", "SIZE")
    for one in usage.volumes(engine):
        yield (one.volume.name, str(one.links), short(one.size))


def _artifacts(found: list[usage.ArtifactUsage]) -> Iterator[tuple[str, ...]]:
    yield ("REPOSITORY", "TAG", "DIGEST", "SIZE", "CONTAINERS")
    for one in found:
        repository, _, tag = one.artifact.name.rpartition(":")
        digest = one.artifact.digest.partition(":")[2][:12]
        yield (repository, tag, digest, short(one.artifact.size), str(one.containers))


def _caches(found: list[usage.CacheUsage]) -> Iterator[tuple[str, ...]]:
    yield ("CACHE ID", "ACTIVE", "SIZE")
    for one in found:
        yield (one.name[:12], str(one.active).lower(), short(one.size))
