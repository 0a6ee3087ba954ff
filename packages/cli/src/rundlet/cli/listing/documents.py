"""Documents of `inspect` as Go has them, for templates.

JSON writes times as text and has other names than the structs of libpod/define and image-spec:
`{{.Created.Unix}}`, `{{.State.Healthcheck}}` and `{{range .History}}{{.CreatedBy}}` work on those.
"""

from __future__ import annotations

from rundlet.core.format.go import Duration, Map, NilSlice, Struct
from rundlet.core.format.moments import moment
from rundlet.core.format.times import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_TIMES = frozenset(
    ("Created", "CreatedAt", "UpdatedAt", "StartedAt", "FinishedAt", "CheckpointedAt",
     "RestoredAt", "created")
)  # fmt: skip
_CHECKS = frozenset(("Healthcheck", "HealthCheck", "StartupHealthCheck"))
_DURATIONS = ("Interval", "StartInterval", "StartPeriod", "Timeout")
_MAPS = frozenset(
    ("Annotations", "Data", "ExposedPorts", "Labels", "Networks", "Options", "PortBindings",
     "Ports", "Sysctls", "Tmpfs", "Volumes", "annotations")
)  # fmt: skip
_NAMES = {
    "Id": "ID",
    "Health": "Healthcheck",
    "HealthcheckMaxLogCount": "HealthMaxLogCount",
    "HealthcheckMaxLogSize": "HealthMaxLogSize",
    "created": "Created",
    "created_by": "CreatedBy",
    "author": "Author",
    "comment": "Comment",
    "empty_layer": "EmptyLayer",
    "schemaVersion": "SchemaVersion",
    "mediaType": "MediaType",
    "artifactType": "ArtifactType",
    "config": "Config",
    "layers": "Layers",
    "digest": "Digest",
    "size": "Size",
    "data": "Data",
    "annotations": "Annotations",
    "urls": "URLs",
    "subject": "Subject",
}
"""Fields of another name than their key."""
_EMPTY: dict[str, dict[str, Any]] = {
    "Manifest": {"ArtifactType": "", "Annotations": None, "Subject": None},
    "Mounts": {"Name": "", "SubPath": ""},
    "History": {
        "Created": moment(NEVER), "CreatedBy": "", "Author": "", "Comment": "", "EmptyLayer": False,
    },
}  # fmt: skip
"""What JSON leaves out where it is empty (`zeros` fills the others)."""


def struct(document: Mapping[str, Any], key: str = "") -> Struct:
    """A document, or what is at a key of one, as the struct that it was written from."""
    if isinstance(document, Struct):
        return document
    found = {name: _value(value, name) for name, value in document.items()}
    if key in _CHECKS:
        durations = {name: Duration(found[name]) for name in _DURATIONS if name in found}
        found |= durations
    unseen = {_NAMES[name]: value for name, value in found.items() if name in _NAMES}
    return Struct(found, {**_EMPTY.get(key, {}), **unseen})


def _value(value: Any, key: str) -> Any:
    if key in _TIMES and isinstance(value, str):
        try:
            return moment(value)
        except ValueError:
            return value  # what an image says of itself may be anything
    if isinstance(value, (Map, NilSlice)):
        return value
    if key in _MAPS and isinstance(value, dict):
        return Map({name: _value(one, "") for name, one in value.items()})
    if isinstance(value, dict):
        return struct(value, key)
    if isinstance(value, list):
        return [_value(one, key) for one in value]
    return value
