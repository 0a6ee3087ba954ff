"""The machine: kernel, memory, cgroups, and the programs that containers need."""

from __future__ import annotations

import os

from ..errors import PluginError
from ..spec import capabilities
from ..spec.host import here
from .packages import packages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..engine import Engine


def host(engine: Engine) -> dict[str, Any]:
    """podman's `host`. Sizes in bytes; the uptime and percentages are since boot."""
    from ..cgroups.layout import layout

    settings, machine = engine.settings, here()
    cgroups = layout(settings.cgroup_manager)
    memory = _memory()
    found: dict[str, Any] = {
        "arch": machine.architecture,
        "cgroupManager": cgroups.manager,
        "cgroupVersion": "v2" if cgroups.version == "unified" else "v1",
        "cgroupControllers": list(cgroups.controllers),
        "conmon": _conmon(settings.conmon),
        "cpus": os.cpu_count() or 1,
        "cpuUtilization": _cpu(),
        "databaseBackend": "sqlite",
        "distribution": _distribution(),
        "eventLogger": settings.events_backend,
        "hostname": os.uname().nodename,
        "idMappings": {"gidmap": None, "uidmap": None},
        "kernel": os.uname().release,
        "logDriver": settings.log_driver,
        "memFree": memory.get("MemFree", 0),
        "memTotal": memory.get("MemTotal", 0),
        **_network(engine),
        "ociRuntime": _runtime(engine),
        "os": "linux",
        "remoteSocket": {"exists": False, "path": f"{settings.run_root}/rundlet.sock"},
        "serviceIsRemote": False,
        "security": {
            "apparmorEnabled": machine.apparmor,
            "capabilities": ",".join(
                capabilities.normalize(settings.default_capabilities or capabilities.DEFAULT)
            ),
            "rootless": os.geteuid() != 0,
            "seccompEnabled": os.path.exists("/proc/sys/kernel/seccomp"),
            "seccompProfilePath": settings.seccomp_profile or _shipped_profile(),
            "selinuxEnabled": machine.selinux,
        },
        "swapFree": memory.get("SwapFree", 0),
        "swapTotal": memory.get("SwapTotal", 0),
        "uptime": _uptime(),
        "linkmode": "dynamic",
    }
    programs = [found[name] for name in ("conmon", "ociRuntime") if found[name]["path"]]
    owners = packages([program["path"] for program in programs])
    for program in programs:
        program["package"] = owners.get(program["path"], "Unknown")
    return found


def _shipped_profile() -> str:
    from ..spec.seccomp import SHIPPED

    return SHIPPED


def _conmon(wanted: str) -> dict[str, str]:
    from ..linux.processes import run
    from ..monitor.launch import find

    try:
        path = find(wanted)
        lines = run([path, "--version"]).stdout.decode(errors="replace").splitlines()
    except (PluginError, OSError):
        return {"package": "", "path": "", "version": ""}
    return {"package": "", "path": path, "version": ", ".join(line.strip() for line in lines)}


def _runtime(engine: Engine) -> dict[str, str]:
    try:
        driver = engine.plugins.choose_runtime()
        probe = driver.probe()
    except PluginError:
        return {"name": "", "package": "", "path": "", "version": ""}
    details = probe.details
    return {
        "name": driver.name,
        "package": "",
        "path": str(details.get("path", "")),
        "version": str(details.get("version", "")) or probe.reason,
    }


def _network(engine: Engine) -> dict[str, Any]:
    try:
        driver = engine.plugins.choose_network()
        details = dict(driver.probe().details)
    except PluginError:
        return {"networkBackend": "", "networkBackendInfo": {"backend": "", "dns": {}}}
    about = {key: value for key, value in details.items() if key in ("package", "path", "version")}
    return {
        "networkBackend": driver.name,
        "networkBackendInfo": {"backend": driver.name, **about, "dns": {}},
    }


def _memory() -> dict[str, int]:
    """/proc/meminfo in bytes (proc(5): it counts in KiB)."""
    found = {}
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            found[name] = int(rest.split()[0]) * 1024
    return found


def _cpu() -> dict[str, float]:
    """Shares since boot in per cent (proc(5), /proc/stat: user, nice, system, idle)."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, idle = (int(word) for word in file.readline().split()[1:5])
    total = user + nice + system + idle or 1

    def share(ticks: int) -> float:
        return round(100 * ticks / total, 2)

    return {
        "userPercent": share(user + nice),
        "systemPercent": share(system),
        "idlePercent": share(idle),
    }


def _distribution() -> dict[str, str]:
    """os-release(5): which distribution, and its version."""
    words: dict[str, str] = {}
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                pairs = (line.strip().partition("=") for line in file)
                words = {key: value.strip("\"'") for key, _, value in pairs}
            break
        except OSError:
            continue
    found = {
        "distribution": words.get("ID", "unknown"),
        "version": words.get("VERSION_ID", "unknown"),
    }
    optional = {"codename": words.get("VERSION_CODENAME"), "variant": words.get("VARIANT_ID")}
    return found | {key: value for key, value in optional.items() if value}


def _uptime() -> str:
    """ "26h 3m 5.00s (Approximately 1.08 days)": podman's words."""
    with open("/proc/uptime", encoding="ascii") as file:
        seconds = int(float(file.read().split()[0]))
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{hours}h {minutes}m {rest:.2f}s"
    return f"{text} (Approximately {seconds / 86400:.2f} days)" if hours else text
