"""`--filter` of lists of containers (podman-ps(1))."""

from __future__ import annotations

import json

from rundlet.core.errors import InvalidArgument, NoSuchImage

from .filters import boolean, expression, has_label, moment, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from rundlet.core.engine import Engine
    from rundlet.core.state.containers import ContainerRow

    Test = Callable[[ContainerRow, str], bool]


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


_VALUES: dict[str, Callable[[str], object]] = {
    "name": expression,
    "status": _state,
    "exited": _code,
    "until": moment,
    "restart-policy": _policy,
    "should-start-on-boot": boolean,
}
