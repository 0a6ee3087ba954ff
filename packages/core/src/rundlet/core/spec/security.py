"""`--security-opt`: what is masked, read-only, confined."""

from __future__ import annotations

from ..errors import InvalidArgument
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .plan import SpecPlan

# podman's defaults (podman-run(1) --security-opt unmask).
MASKED = (
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/dev/block",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/selinux",
)
READ_ONLY = (
    "/proc/asound",
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
)


_KEYS = (
    "apparmor", "label", "mask", "no-new-privileges", "proc-opts", "seccomp", "systempaths",
    "unmask",
)  # fmt: skip


class Confinement(Value):
    """The parsed security options.

    seccomp: a path, "unconfined" or "" (the default). apparmor: a profile or "".
    """

    masked: tuple[str, ...] = MASKED
    read_only: tuple[str, ...] = READ_ONLY
    seccomp: str = ""
    apparmor: str = ""
    no_new_privileges: bool = False


def confinement(plan: SpecPlan) -> Confinement:
    """Read the request's security options. Raises InvalidArgument for an unknown one."""
    request = plan.request
    pairs = [_pair(text) for text in request.security_options]
    said = dict(pairs)  # the last one counts
    seccomp = said.get("seccomp", "")
    quiet = request.no_new_privileges
    if "no-new-privileges" in said:
        quiet = said["no-new-privileges"] in ("", "true")
    masks = [path for key, value in pairs if key == "mask" for path in value.split(":")]
    unmasks: list[str] = []
    for key, value in pairs:
        if key in ("unmask", "systempaths"):
            unmasks += ["ALL"] if value == "unconfined" else value.split(":")
    if request.privileged:  # the node's default profile is not meant for these (podman)
        return Confinement((), (), seccomp or "unconfined", "", quiet)
    kept = tuple(path for path in MASKED if not _matches(path, unmasks))
    added = tuple(path for path in masks if path and path not in kept)
    read_only = tuple(path for path in READ_ONLY if not _matches(path, unmasks))
    masked = (*kept, *added) if request.masked_paths is None else request.masked_paths
    if request.read_only_paths is not None:
        read_only = request.read_only_paths
    profile = seccomp or plan.settings.seccomp_profile
    return Confinement(masked, read_only, profile, _apparmor(plan, said.get("apparmor", "")), quiet)


def _pair(text: str) -> tuple[str, str]:
    """ "key=value", or as docker once had it "key:value". Raises InvalidArgument."""
    key, _, value = text.partition("=") if "=" in text else text.partition(":")
    if key not in _KEYS:
        raise InvalidArgument(
            f"invalid --security-opt {text!r}",
            remedy="use apparmor, label, mask, no-new-privileges, proc-opts, seccomp or unmask",
        )
    return key, value


def _matches(path: str, patterns: list[str]) -> bool:
    """`unmask` takes ALL, a path, or a shell pattern of paths (path.Match)."""
    if not patterns:
        return False
    from fnmatch import fnmatchcase

    return any(
        pattern.upper() == "ALL"
        or (fnmatchcase(path, pattern) and path.count("/") == pattern.rstrip("/").count("/"))
        for pattern in patterns
    )


def _apparmor(plan: SpecPlan, profile: str) -> str:
    if not profile or profile == "unconfined":
        return profile if plan.host.apparmor else ""
    if not plan.host.apparmor:
        raise InvalidArgument(f'profile "{profile}" specified but AppArmor is disabled on the host')
    return profile
