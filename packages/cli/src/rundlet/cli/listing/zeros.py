"""Fields of podman's Go structs that its JSON leaves out or gives as null: a template has them.

`{{.Config.Healthcheck}}` of a container without one is no error, and `{{.HostConfig.Links}}` is
`[]` (libpod/define/container_inspect.go, libimage/inspect.go). JSON is as it was.
"""

from __future__ import annotations

from rundlet.core.format.go import NilMap, NilSlice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Zeros = Mapping[str, Mapping[str, Any]]

_LIST, _MAP = NilSlice(), NilMap()

CONTAINER: Zeros = {
    "": {"InitContainerType": "", "IsInitCtr": False, "SizeRootFs": 0, "SizeRw": None},
    "Config": {
        "ChrootDirs": _LIST,
        "ExposedPorts": _MAP,
        "Healthcheck": None,
        "Labels": _MAP,
        "Secrets": _LIST,
        "StartupHealthCheck": None,
        "SystemdMode": False,
        "Timezone": "",
        "Volumes": _MAP,
    },
    "HostConfig": {
        "BlkioDeviceReadBps": _LIST,
        "BlkioDeviceReadIOps": _LIST,
        "BlkioDeviceWriteBps": _LIST,
        "BlkioDeviceWriteIOps": _LIST,
        "BlkioWeightDevice": _LIST,
        "CgroupConf": _MAP,
        "IDMappings": None,
        "Init": False,
        "IntelRdtClosID": "",
        "Links": _LIST,
        "VolumesFrom": _LIST,
    },
    "HostConfig.LogConfig": {"Config": _MAP},
    "NetworkSettings": {
        "AdditionalMACAddresses": _LIST,
        "Networks": _MAP,
        "SecondaryIPAddresses": _LIST,
        "SecondaryIPv6Addresses": _LIST,
    },
    "State": {
        "CheckpointLog": "",
        "CheckpointPath": "",
        "Checkpointed": False,
        "RestoreLog": "",
        "Restored": False,
        "StoppedByUser": False,
    },
    "State.Health": {"Log": _LIST},
}
IMAGE: Zeros = {
    "": {"Annotations": _MAP, "HealthCheck": None, "Labels": _MAP, "Variant": ""},
    "Config": {
        "Cmd": _LIST,
        "Entrypoint": _LIST,
        "Env": _LIST,
        "ExposedPorts": _MAP,
        "Labels": _MAP,
        "StopSignal": "",
        "User": "",
        "Volumes": _MAP,
        "WorkingDir": "",
    },
}


def filled(document: Mapping[str, Any], zeros: Zeros, at: str = "") -> dict[str, Any]:
    """The document with these values where it has none; as methods, which JSON does not show."""
    found = dict(document)
    for key, value in document.items():
        if isinstance(value, dict):
            found[key] = filled(value, zeros, f"{at}.{key}".lstrip("."))
    for key, zero in zeros.get(at, {}).items():
        if key not in found:
            found[key] = _method(zero)
        elif found[key] is None:
            found[key] = zero
    return found


def _method(value: object) -> object:
    return lambda: value
