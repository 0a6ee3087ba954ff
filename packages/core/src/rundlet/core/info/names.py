"""The document as Go's structs, for templates: `{{.Host.CgroupsVersion}}`, `{{json .Host}}`."""

from __future__ import annotations

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Fields of podman's structs (libpod/define/info.go) that are not their JSON key capitalized.
_FIELDS = {
    "CgroupsVersion": "cgroupVersion",
    "CPUs": "cpus",
    "CPUUtilization": "cpuUtilization",
    "DNS": "dns",
    "IDMappings": "idMappings",
    "UIDMap": "uidmap",
    "GIDMap": "gidmap",
    "OCIRuntime": "ociRuntime",
    "OS": "os",
    "AppArmorEnabled": "apparmorEnabled",
    "DefaultCapabilities": "capabilities",
    "SECCOMPEnabled": "seccompEnabled",
    "SECCOMPProfilePath": "seccompProfilePath",
    "SELinuxEnabled": "selinuxEnabled",
}
_MAPS = ("registries", "graphOptions", "graphStatus")


class Struct(dict[str, "Any"]):
    """An object of the document: fields by Go's names, JSON by its keys."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        for key in (_FIELDS.get(name, name), name[:1].lower() + name[1:]):
            if dict.__contains__(self, key):
                return dict.__getitem__(self, key)
        raise InvalidArgument(f"template: can't evaluate field {name} in the type of info")


def structs(value: Any) -> Any:
    """The document with its objects as structs; maps of a user's own keys stay maps."""
    if not isinstance(value, dict):
        return value
    return Struct({key: item if key in _MAPS else structs(item) for key, item in value.items()})
