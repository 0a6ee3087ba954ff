"""The fields of `volume ls` and `--filter` of volumes (podman-volume-ls(1))."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument, NoSuchVolume
from rundlet.core.format.go import Map, Struct
from rundlet.core.format.moments import Moment

from .filters import expression, moment, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from rundlet.core.engine import Engine
    from rundlet.core.state.volumes import Volume

    Test = Callable[[Volume], bool]


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
        tests = [_test(engine, key, value) for value in values]
        several = all if key.startswith("label") else any
        left = [one for one in left if several(test(one) for test in tests)]
    return left


def _test(engine: Engine, key: str, value: str) -> Test:
    """One filter; a wrong one is refused even if there is no volume to ask of."""
    if key == "name":
        pattern = expression(value)
        return lambda volume: pattern.search(volume.name) is not None
    if key == "driver":
        return lambda volume: volume.driver == value
    if key == "scope":
        return lambda volume: value == "local"
    if key in ("label", "label!"):
        return lambda volume: _has(volume.labels, value) == (key == "label")
    if key == "opt":
        return lambda volume: _has(volume.options, value)
    if key in ("dangling", "anonymous"):
        wanted = boolean(key, value)
        if key == "anonymous":
            return lambda volume: volume.anonymous == wanted
        return lambda volume: (not engine.volumes.users(volume.name)) == wanted
    if key in ("until", "after", "since"):
        time = moment(value) if key == "until" else _moment_of(engine, value)
        return lambda volume: volume.created < time if key == "until" else volume.created > time
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
