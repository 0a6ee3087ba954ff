"""An event as a line, a document or the fields of a template, and `--filter` of events."""

from __future__ import annotations

import json

from rundlet.core.errors import InvalidArgument
from rundlet.core.format.moments import stamp
from rundlet.core.format.template import Template

from .filters import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from rundlet.core.views import Event

    Test = Callable[[Event], bool]

_OWN_FIELDS = (
    "image", "network", "containerExitCode", "containerInspectData", "OOMKilled", "error",
    "pod_id", "health_status", "health_failing_streak", "health_log",
)  # fmt: skip
"""Attributes that have a field of their own: podman's `Attributes` are the others, labels most."""


def line(event: Event, form: str = "", *, whole: bool = True) -> str:
    """One event as podman prints it, or as `--format` asks. Raises InvalidArgument."""
    if form in ("json", "{{json .}}"):
        return json.dumps(document(event), separators=(",", ":"), ensure_ascii=False)
    if form:
        return Template(form).render(fields(event)).rstrip("\n")
    return human(event, whole=whole)


def human(event: Event, *, whole: bool = True) -> str:
    """The default line, whose form depends on the kind of object."""
    identity = event.id if whole else event.id[:12]
    begin = f"{stamp(event.time)} {event.kind} {event.action}"
    if event.kind in ("container", "pod"):
        return f"{begin} {identity} ({', '.join(_details(event))})"
    if event.kind == "network":
        if event.action in ("create", "remove"):
            driver = event.attributes.get("driver", "")
            return f"{begin} {event.id} (name={event.name}, type={driver})"
        return f"{begin} {identity} (container={identity}, name={_network(event)})"
    if event.kind == "volume":
        return f"{begin} {event.name}"
    error = event.attributes.get("error", "")
    return " ".join(word for word in (begin, identity, event.name, error) if word)


def _details(event: Event) -> list[str]:
    told = event.attributes
    parts = [f"image={told.get('image', '')}", f"name={event.name}"]
    parts += [f"{key}={told[key]}" for key in _OWN_FIELDS[6:] if key in told]
    return parts + [f"{key}={value}" for key, value in _attributes(event).items()]


def _attributes(event: Event) -> dict[str, str]:
    return {key: value for key, value in event.attributes.items() if key not in _OWN_FIELDS}


def _network(event: Event) -> str:
    """The network that is created, removed, joined or left; "" for events of other kinds."""
    return event.attributes.get("network", event.name) if event.kind == "network" else ""


def fields(event: Event) -> dict[str, Any]:
    """What a template may name."""
    told = event.attributes
    return {
        "ID": event.id,
        "Name": event.name,
        "Type": event.kind,
        "Status": event.action,
        "Image": told.get("image", ""),
        "Time": event.time // 10**9,
        "TimeNano": event.time,
        "Attributes": _attributes(event),
        "ContainerExitCode": _code(event),
        "ContainerInspectData": told.get("containerInspectData", ""),
        "Error": told.get("error", ""),
        "HealthStatus": told.get("health_status", ""),
        "HealthFailingStreak": int(told.get("health_failing_streak", "0")),
        "HealthLog": told.get("health_log", ""),
        "Network": _network(event),
        "OOMKilled": told.get("OOMKilled") == "true",
        "PodID": told.get("pod_id", ""),
        "ToHumanReadable": lambda whole=True: human(event, whole=whole),
    }


def _code(event: Event) -> int | None:
    code = event.attributes.get("containerExitCode")
    return int(code) if code else None


def document(event: Event) -> dict[str, Any]:
    """`--format json`: one object per line; podman's keys, without those that are empty."""
    of = fields(event)
    found = {
        "ContainerExitCode": of["ContainerExitCode"],
        "ID": of["ID"] or None,
        "Image": of["Image"] or None,
        "Name": of["Name"] or None,
        "network": of["Network"] or None,
        "Status": of["Status"],
        "time": of["Time"],
        "timeNano": of["TimeNano"],
        "Type": of["Type"],
        "health_status": of["HealthStatus"] or None,
        "Error": of["Error"] or None,
        "OOMKilled": of["OOMKilled"] or None,
        "PodID": of["PodID"] or None,
        "ContainerInspectData": of["ContainerInspectData"] or None,
    }
    there = {key: value for key, value in found.items() if value is not None}
    return {**there, "Attributes": of["Attributes"] or None}


def chosen(filters: Iterable[str]) -> Test:
    """A test for `--filter`: any value of one key, all keys. Raises InvalidArgument."""
    groups = [[_test(key, value) for value in values] for key, values in split(filters).items()]
    return lambda event: all(any(test(event) for test in group) for group in groups)


def _test(key: str, value: str) -> Test:
    kind = key.lower()
    if kind in ("artifact", "container", "pod", "secret"):
        return lambda event: event.kind == kind and _named(event, value)
    if kind == "image":
        return lambda event: event.kind == kind and _of_image(event, value)
    action = "died" if value == "die" else value  # docker's word
    tests: dict[str, Test] = {
        "event": lambda event: event.action == action,
        "status": lambda event: event.action == action,
        "type": lambda event: event.kind == value,
        "network": lambda event: _network(event) == value,
        "volume": lambda event: event.kind == "volume" and event.name.startswith(value),
        "label": lambda event: _labelled(event, value),
    }
    if kind not in tests:
        raise InvalidArgument(f"{key} is an invalid filter")
    return tests[kind]


def _named(event: Event, value: str) -> bool:
    return event.name == value or (bool(value) and event.id.startswith(value))


def _of_image(event: Event, value: str) -> bool:
    """By name, id, or the name without its tag or its host."""
    short = event.name.rpartition("/")[2]
    return _named(event, value) or value in (
        short,
        short.rpartition(":")[0],
        event.name.rpartition(":")[0],
    )


def _labelled(event: Event, value: str) -> bool:
    key, equals, wanted = value.partition("=")
    labels = _attributes(event)
    return key in labels and (not equals or labels[key] == wanted)
