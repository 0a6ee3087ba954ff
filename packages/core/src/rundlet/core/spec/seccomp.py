"""seccomp: a profile with conditions made an OCI `linux.seccomp` object.

Profiles are the JSON that podman and docker read (containers-common's seccomp.json): rules
with `includes` and `excludes` (capabilities, architectures, kernel). The runtime knows only
the plain form, so the conditions are resolved here. The shipped profile answers unknown calls
with ENOSYS, as an older kernel would, so that programs fall back; reading and resolving it
takes about half a millisecond.
"""

from __future__ import annotations

import os

from .. import json
from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .host import Host

SHIPPED = os.path.join(os.path.dirname(__file__), "seccomp.json")

# GOARCH to libseccomp's name, seccomp_arch_add(3).
_ARCHES = {
    "amd64": "SCMP_ARCH_X86_64",
    "386": "SCMP_ARCH_X86",
    "arm64": "SCMP_ARCH_AARCH64",
    "arm": "SCMP_ARCH_ARM",
    "ppc64le": "SCMP_ARCH_PPC64LE",
    "s390x": "SCMP_ARCH_S390X",
    "riscv64": "SCMP_ARCH_RISCV64",
    "loong64": "SCMP_ARCH_LOONGARCH64",
    "mips64": "SCMP_ARCH_MIPS64",
}
# Profiles say "x86" where Go says "386".
_PROFILE_NAMES = {"386": "x86"}


def seccomp(path: str, capabilities: Sequence[str], host: Host) -> dict[str, Any] | None:
    """The `linux.seccomp` object of a profile.

    path: a profile file, "" for the shipped one, "unconfined" for none.
    capabilities: the container's bounding set. Raises InvalidArgument for a bad file.
    """
    if path == "unconfined":
        return None
    path = path or SHIPPED
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        raise InvalidArgument(f"seccomp profile {path}: {error.strerror}") from None
    return of_text(text, capabilities, host, f"profile {path}")


def of_text(
    text: str | bytes, capabilities: Sequence[str], host: Host, what: str
) -> dict[str, Any]:
    """As `seccomp`, of a profile's own text; what: where it is from, for errors."""
    try:
        profile = json.loads(text)
    except ValueError as error:
        raise InvalidArgument(f"seccomp {what}: not JSON: {error}") from None
    if not isinstance(profile, dict) or "defaultAction" not in profile:
        raise InvalidArgument(f"seccomp {what}: no defaultAction")
    return resolve(profile, capabilities, host, what)


def resolve(
    profile: dict[str, Any], capabilities: Sequence[str], host: Host, what: str = "profile"
) -> dict[str, Any]:
    """Keep the rules whose conditions hold here."""
    try:
        found: dict[str, Any] = {"defaultAction": profile["defaultAction"]}
        errno = profile.get("defaultErrnoRet")
        if errno is not None and _returns(profile["defaultAction"]):
            found["defaultErrnoRet"] = errno
        architectures = _architectures(profile, host)
        if architectures:
            found["architectures"] = architectures
        found.update({k: profile[k] for k in ("flags", "listenerPath") if profile.get(k)})
        owned = frozenset(capabilities)
        found["syscalls"] = [
            _plain(rule) for rule in profile.get("syscalls") or () if _applies(rule, owned, host)
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidArgument(f"seccomp {what}: malformed: {error!r}") from None
    return found


def _architectures(profile: dict[str, Any], host: Host) -> list[str]:
    if profile.get("architectures"):
        return list(profile["architectures"])
    native = _ARCHES.get(host.architecture, "")
    for row in profile.get("archMap") or ():
        if row["architecture"] == native:
            return [native, *(row.get("subArchitectures") or ())]
    return []


def _applies(rule: dict[str, Any], capabilities: frozenset[str], host: Host) -> bool:
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    arch = _PROFILE_NAMES.get(host.architecture, host.architecture)
    if includes.get("arches") and arch not in includes["arches"]:
        return False
    if arch in (excludes.get("arches") or ()):
        return False
    if not capabilities.issuperset(includes.get("caps") or ()):
        return False
    if capabilities.intersection(excludes.get("caps") or ()):
        return False
    if includes.get("minKernel") and host.kernel < _version(includes["minKernel"]):
        return False
    return not (excludes.get("minKernel") and host.kernel >= _version(excludes["minKernel"]))


def _version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def _plain(rule: dict[str, Any]) -> dict[str, Any]:
    """One rule in the OCI form. Old profiles have `name` in place of `names`."""
    found: dict[str, Any] = {
        "names": rule["names"] if rule.get("names") else [rule["name"]],
        "action": rule["action"],
    }
    if rule.get("errnoRet") is not None and _returns(rule["action"]):
        found["errnoRet"] = rule["errnoRet"]
    if rule.get("args"):
        found["args"] = rule["args"]
    return found


def _returns(action: str) -> bool:
    """Only these actions carry a number (runtime-spec config-linux.md#seccomp)."""
    return action in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
