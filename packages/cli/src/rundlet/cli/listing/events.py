"""An event as a line, a document or the fields of a template, and `--filter` of events."""

from __future__ import annotations

import json

from rundlet.core.errors import InvalidArgument
from rundlet.core.format.template import Template

from .containers import stamp
from .filters import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from rundlet.core.views import Event

    Test = Callable[[Event], bool]


def line(event: Event, form: str = "", *, whole: bool = True) -> str:
    """One event as podman prints it, or as `--format` asks. Raises InvalidArgument."""
    if form == "json":
        return json.dumps(document(event), ensure_ascii=False)
    if form:
        return Template(form).render(fields(event)).rstrip("\n")
    return human(event, whole=whole)


def human(event: Event, *, whole: bool = True) -> str:
    """The default line, whose form depends on the kind of object."""
    identity = event.id if whole else event.id[:12]
    begin = f"{stamp(event.time)} {event.kind} {event.action}"
    if event.kind in ("container", "pod"):
        pairs = {"image": "", **event.attributes}
        parts = [f"image={pairs.pop('image')}", f"name={event.name}"]
        parts += [f"{key}={value}" for key, value in pairs.items()]
        return f"{begin} {identity} ({', '.join(parts)})"
    if event.kind == "network":
        container = event.attributes.get("container", "")
        return f"{begin} {identity} (container={container}, name={event.name})"
    if event.kind in ("volume", "secret"):
        return f"{begin} {event.name or identity}"
    return " ".join(word for word in (begin, identity, event.name) if word)


def fields(event: Event) -> dict[str, Any]:
    """What a template may name."""
    attributes = dict(event.attributes)
    return {
        "ID": event.id,
        "Name": event.name,
        "Type": event.kind,
        "Status": event.action,
        "Image": attributes.get("image", ""),
        "Time": stamp(event.time),
        "TimeNano": event.time,
        "TimeUnix": event.time // 10**9,
        "TimeUnixNano": event.time,
        "Attributes": attributes,
        "ContainerExitCode": int(attributes.get("containerExitCode", "0")),
        "Error": attributes.get("error", ""),
        "HealthStatus": attributes.get("health_status", ""),
        "HealthFailingStreak": int(attributes.get("health_failing_streak", "0")),
        "Network": event.name if event.kind == "network" else "",
        "OOMKilled": attributes.get("OOMKilled") == "true",
        "PodID": attributes.get("pod_id", ""),
        "ToHumanReadable": lambda whole=True: human(event, whole=whole),
    }


def document(event: Event) -> dict[str, Any]:
    """`--format json`: one object per line; keys as podman has them."""
    from rundlet.core.format.times import rfc3339

    attributes = dict(event.attributes)
    found: dict[str, Any] = {"ID": event.id}
    if "image" in attributes:
        found["Image"] = attributes.pop("image")
    if "containerExitCode" in attributes:
        found["ContainerExitCode"] = int(attributes["containerExitCode"])
    found |= {
        "Name": event.name,
        "Status": event.action,
        "Time": rfc3339(event.time),
        "timeNano": event.time,
        "Type": event.kind,
    }
    return {**found, "Attributes": attributes} if attributes else found


def chosen(filters: Iterable[str]) -> Test:
    """A test for `--filter`: any value of one key, all keys. Raises InvalidArgument."""
    groups = [[_test(key, value) for value in values] for key, values in split(filters).items()]
    return lambda event: all(any(test(event) for test in group) for group in groups)


def _test(key: str, value: str) -> Test:
    if key in ("artifact", "container", "pod", "volume", "network", "secret"):
        return lambda event: event.kind == key and _named(event, value)
    tests: dict[str, Test] = {
        "event": lambda event: event.action == value,
        "status": lambda event: event.action == value,
        "type": lambda event: event.kind == value,
        "image": lambda event: _of_image(event, value),
        "label": lambda event: _labelled(event, value),
    }
    if key not in tests:
        raise InvalidArgument(f"{key} is an invalid filter")
    return tests[key]


def _named(event: Event, value: str) -> bool:
    return event.name == value or (bool(value) and event.id.startswith(value))


def _of_image(event: Event, value: str) -> bool:
    image = event.attributes.get("image", "")
    if event.kind == "image":
        return _named(event, value)
    return value in (image, image.rpartition(":")[0], image.rpartition("/")[2])


def _labelled(event: Event, value: str) -> bool:
    key, equals, wanted = value.partition("=")
    return key in event.attributes and (not equals or event.attributes[key] == wanted)
