"""The fields of `volume ls` and `--filter` of volumes (podman-volume-ls(1))."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument, NoSuchVolume
from rundlet.core.format.go import Map, Struct
from rundlet.core.format.moments import Moment

from .filters import expression, moment, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rundlet.core.engine import Engine
    from rundlet.core.state.volumes import Volume


def fields(engine: Engine, volume: Volume) -> Struct:
    """What a template may name: the document's keys, with Go's zero values where it has none."""
    document = {"Anonymous": False, "UID": 0, "GID": 0, **engine.volumes.inspect(volume)}
    document |= {"Status": Map(), "StorageID": "", "Timeout": 0, "LockNumber": 0}
    document |= {"Labels": Map(volume.labels), "Options": Map(volume.options)}
    found = Struct({**document, "CreatedAt": Moment(volume.created)}, {})
    found.unseen = {"InspectVolumeData": found, "VolumeConfigResponse": found}
    return found


def chosen(engine: Engine, volumes: Iterable[Volume], filters: Iterable[str]) -> list[Volume]:
    """Those that pass: any value of one key (all labels), all keys. Raises InvalidArgument."""
    left = list(volumes)
    for key, values in split(filters).items():
        several = all if key.startswith("label") else any
        left = [one for one in left if several(_fits(engine, one, key, value) for value in values)]
    return left


def _fits(engine: Engine, volume: Volume, key: str, value: str) -> bool:
    if key == "name":
        return expression(value).search(volume.name) is not None
    if key == "driver":
        return volume.driver == value
    if key == "scope":
        return value == "local"
    if key in ("label", "label!"):
        return _has(volume.labels, value) == (key == "label")
    if key == "opt":
        return _has(volume.options, value)
    if key == "dangling":
        return (not engine.volumes.users(volume.name)) == boolean(key, value)
    if key == "anonymous":
        return volume.anonymous == boolean(key, value)
    if key == "until":
        return volume.created < moment(value)
    if key in ("after", "since"):
        return volume.created > _moment_of(engine, value)
    raise InvalidArgument(f'"{key}" is an invalid volume filter')


def _has(pairs: Any, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    return key in pairs and (not equals or bool(pairs[key] == value))


def boolean(key: str, text: str) -> bool:
    """The value of a filter that is true or false. Raises InvalidArgument."""
    known = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
    if text.lower() not in known:
        raise InvalidArgument(
            f'"{text}" is not a valid value for the "{key}" filter - must be true or false'
        )
    return known[text.lower()]


def _moment_of(engine: Engine, name: str) -> int:
    """A volume's time, or a time."""
    try:
        return engine.volumes.get(name).created
    except NoSuchVolume:
        return moment(name)
