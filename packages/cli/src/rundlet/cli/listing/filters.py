"""`--filter` of lists of containers and images (podman-ps(1), podman-images(1))."""

from __future__ import annotations

import json
import re
import time

from rundlet.core.commands.parse import duration
from rundlet.core.errors import InvalidArgument, NoSuchImage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from rundlet.core.engine import Engine
    from rundlet.core.images.summary import ImageSummary
    from rundlet.core.state.containers import ContainerRow

    Test = Callable[[ContainerRow, str], bool]


def split(filters: Iterable[str]) -> dict[str, list[str]]:
    """ "key=value" by key. Raises InvalidArgument for one without "=": podman's words."""
    found: dict[str, list[str]] = {}
    for text in filters:
        key, equals, value = text.partition("=")
        if key.endswith("!"):
            key = key[:-1] + "!"
        if not equals:
            raise InvalidArgument(f"invalid filter {text!r}: must be in the format of filter=value")
        found.setdefault(key, []).append(value)
    return found


def expression(value: str) -> re.Pattern[str]:
    """A regular expression of a filter. Raises InvalidArgument."""
    try:
        return re.compile(value)
    except re.error as error:
        raise InvalidArgument(f"invalid regular expression {value!r}: {error}") from None


def containers(
    engine: Engine, rows: Sequence[ContainerRow], filters: Iterable[str]
) -> list[ContainerRow]:
    """The rows that pass: any value of one key, all keys. Raises InvalidArgument."""
    left = list(rows)
    for key, values in split(filters).items():
        if key.rstrip("!") in ("label", "annotation"):
            wanted = not key.endswith("!")
            left = [
                row
                for row in left
                if all(
                    has_label(
                        row.labels if key.startswith("label") else _annotations(engine, row), value
                    )
                    == wanted
                    for value in values
                )
            ]
            continue
        test = _container_test(engine, key, rows)
        for value in values:
            _VALUES.get(key, str)(value)  # refused even if there is no container to ask of
        left = [row for row in left if any(test(row, value) for value in values)]
    return left


def _container_test(engine: Engine, key: str, rows: Sequence[ContainerRow]) -> Test:
    if key == "network":
        return _on_network(engine)
    tests: dict[str, Test] = {
        "id": lambda row, value: _matches(row.id, value),
        "name": _named,
        "status": lambda row, value: row.status == _state(value),
        "exited": lambda row, value: row.status == "exited" and row.exit_code == _code(value),
        "ancestor": lambda row, value: _ancestor(engine, row, value),
        "before": lambda row, value: row.created < _one(engine, value).created,
        "since": lambda row, value: row.created > _one(engine, value).created,
        "until": lambda row, value: row.created < moment(value),
        "volume": lambda row, value: _volume(engine, row, value),
        "pod": lambda row, value: bool(row.pod) and str(row.pod).startswith(value),
        "health": lambda row, value: (row.health or "none") == value,
        "restart-policy": lambda row, value: _restart(engine, row) == _policy(value),
        "should-start-on-boot": lambda row, value: _starts_on_boot(engine, row) == boolean(value),
        "command": lambda row, value: row.command.partition(" ")[0] == value,
    }
    if key not in tests:
        raise InvalidArgument(f"{key} is an invalid filter")
    return tests[key]


def _named(row: ContainerRow, value: str) -> bool:
    """Names may be written as docker's are, with a slash before them."""
    pattern = expression(value)
    return any(pattern.search(name) is not None for name in (row.name, f"/{row.name}"))


def _matches(identity: str, value: str) -> bool:
    if value.strip("0123456789abcdefABCDEF"):
        return expression(value).search(identity) is not None
    return identity.startswith(value.lower())


def _state(value: str) -> str:
    known = ("created", "initialized", "running", "stopped", "paused", "exited", "removing",
             "stopping", "unknown", "dead", "restarting")  # fmt: skip
    if value not in known:
        raise InvalidArgument(f"unknown container state: {value}: invalid argument")
    return "exited" if value == "stopped" else value


def _code(value: str) -> int:
    if not value.removeprefix("-").isdecimal():
        raise InvalidArgument(f'invalid exit code "{value}" in a filter: not a number')
    return int(value)


def _one(engine: Engine, name: str) -> ContainerRow:
    return engine.containers.get(name)


def _ancestor(engine: Engine, row: ContainerRow, value: str) -> bool:
    """Whether it was made of an image: by name or id, else by an expression for its name."""
    try:
        return row.image == engine.images.get(value).id
    except (NoSuchImage, InvalidArgument):
        return expression(value).search(row.image_name) is not None


def _request(engine: Engine, row: ContainerRow) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(engine.containers.get(row.id).request)
    return document


def _volume(engine: Engine, row: ContainerRow, value: str) -> bool:
    used = engine.database.rows(
        "SELECT volume, destination FROM container_volumes WHERE container = ?", row.id
    )
    if any(value in pair for pair in used):
        return True
    mounts = _request(engine, row).get("mounts") or ()
    return any(value in (m.get("source"), m.get("destination")) for m in mounts)


def _on_network(engine: Engine) -> Test:
    """Whether a container joins a network, or will, by the network's name or whole id."""
    from rundlet.core.containers.network import names
    from rundlet.core.containers.stored import request_of

    by_id = {network.id: network.name for network in engine.networks.list()}

    def joins(row: ContainerRow, value: str) -> bool:
        request = request_of(engine.containers.get(row.id).request)
        return by_id.get(value, value) in names(engine, request)

    return joins


def _restart(engine: Engine, row: ContainerRow) -> str:
    return str(_request(engine, row).get("restart") or "no").partition(":")[0]


def _policy(value: str) -> str:
    if value not in ("", "none", "no", "always", "on-failure", "unless-stopped"):
        raise InvalidArgument(f"{value} invalid restart policy")
    return "no" if value in ("", "none") else value


def _starts_on_boot(engine: Engine, row: ContainerRow) -> bool:
    """Whether its policy starts it after a boot, and nobody has stopped it by hand."""
    from rundlet.core.containers.restart import stopped

    policy = _restart(engine, row)
    return policy == "always" or (policy == "unless-stopped" and not stopped(engine, row.id))


def _annotations(engine: Engine, row: ContainerRow) -> str:
    return json.dumps(_request(engine, row).get("annotations") or {})


def has_label(labels: str, wanted: str) -> bool:
    """Whether labels (JSON text) have "key" or "key=value"."""
    key, equals, value = wanted.partition("=")
    found = json.loads(labels)
    return key in found and (not equals or found[key] == value)


def moment(text: str, *, ahead: bool = False) -> int:
    """Nanoseconds since the epoch of a time, or of how long ago (or `ahead`).

    A plain number is seconds since the epoch, 0 too: `prune --filter until=0` removes nothing.
    Raises InvalidArgument.
    """
    from datetime import datetime

    if text.replace(".", "", 1).isdecimal():
        return int(float(text) * 1e9)
    try:
        distance = int(duration(text) * 1e9)
        return time.time_ns() + (distance if ahead else -distance)
    except ValueError:
        pass
    try:
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1e9)
    except ValueError:
        raise InvalidArgument(f"invalid time {text!r}", remedy="Give 10m, or RFC 3339.") from None


def images(
    engine: Engine, rows: Sequence[ImageSummary], filters: Iterable[str]
) -> list[ImageSummary]:
    """The images that pass: any value of one key (all of labels and of `!=`), all keys.

    As podman, with that name alone where one whole name is asked for. Raises InvalidArgument.
    """
    left = list(rows)
    asked = split(filters)
    for key, values in asked.items():
        name, wanted = key.removesuffix("!"), not key.endswith("!")
        if name not in _OF_IMAGES:
            raise InvalidArgument(f'unsupported image filter "{name}"')
        for value in values:
            _OF_IMAGES[name](value)  # though there may be no image to ask
        several = any if wanted and name != "label" else all
        left = [
            row
            for row in left
            if several(_image(engine, row, name, value) == wanted for value in values)
        ]
    (*others, one) = asked.get("reference", ()) or ("",)
    if others or "reference!" in asked or not _is_whole(one):
        return left
    return [
        row.replace(names=tuple(name for name in row.names if reference_matches(name, one)))
        for row in left
    ]


def _is_whole(name: str) -> bool:
    """Whether it has a host and a tag: "quay.io/team/tool:1"."""
    from rundlet.core.images.reference import is_short

    return ":" in name.rpartition("/")[2] and not is_short(name)


def _image(engine: Engine, row: ImageSummary, key: str, value: str) -> bool:
    if key == "label":
        return has_label(row.labels, value)
    if key == "dangling":
        return (not row.names) == boolean(value)
    if key in ("before", "since", "after"):
        other = engine.images.get(value)
        return row.created < other.created if key == "before" else row.created > other.created
    if key == "until":
        return row.created < moment(value)
    if key == "id":
        return row.id.startswith(value.removeprefix("sha256:"))
    if key == "digest":
        return row.digest.startswith(value)
    if key == "reference":
        return any(reference_matches(name, value) for name in row.names)
    if key == "containers":
        return (row.containers > 0) == boolean(value)
    if key == "readonly":
        return bool(row.store) == boolean(value)
    return not boolean(value)  # intermediate, manifest: there are none


def boolean(text: str) -> bool:
    """What strconv.ParseBool reads. Raises InvalidArgument."""
    if text.lower() in ("1", "t", "true"):
        return True
    if text.lower() in ("0", "f", "false"):
        return False
    raise InvalidArgument(f"non-boolean value {text!r} in a filter")


def reference_matches(name: str, pattern: str) -> bool:
    """Whether an image name fits a pattern: whole, without host or tag, with shell globs."""
    from fnmatch import fnmatchcase

    repository = name.rpartition(":")[0]
    forms = [name, repository]
    while "/" in repository:
        repository = repository.partition("/")[2]
        forms += [repository, f"{repository}:{name.rpartition(':')[2]}"]
    return any(fnmatchcase(form, pattern) for form in forms)


_OF_IMAGES: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("label", "before", "since", "after", "id", "digest", "reference"), str),
    **dict.fromkeys(("dangling", "containers", "readonly", "intermediate", "manifest"), boolean),
    "until": moment,
}
"""Filters of images, and what reads their values."""
_VALUES: dict[str, Callable[[str], object]] = {
    "name": expression,
    "status": _state,
    "exited": _code,
    "until": moment,
    "restart-policy": _policy,
    "should-start-on-boot": boolean,
}
