"""Kata Containers: each container, or each pod, in a virtual machine (containerd-shim-kata-v2).

`config` in its table of `rundlet.toml` (or `ConfigPath` below `options`, as containerd has it) is
the configuration file; else KATA_CONF_FILE, else Kata's own places. The annotation
`io.katacontainers.config_path` of a container comes before all, and those that begin with
`io.katacontainers.config.` change single values, as far as that file allows them. A pod is one
machine: the shim knows by CRI-O's annotations (spec/notes.py) which container begins it.
"""

from __future__ import annotations

import os

from ..contracts.probe import Probe
from ..contracts.runtime import RuntimeFeatures
from ..errors import DriverUnavailable
from ..hookspecs import hookimpl
from .facts import find
from .family import create
from .shim.api import KATA, KATA_OPTIONS
from .shim.runtime import ShimRuntime, containerd_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..contracts.runtime import OCIRuntime, RuntimeConfig

KVM = "/dev/kvm"
# Where the shim looks, and where Kata's own archives put it (kata-deploy).
CONFIGURATIONS = (
    "/etc/kata-containers/configuration.toml",
    "/usr/share/defaults/kata-containers/configuration.toml",
    "/opt/kata/share/defaults/kata-containers/configuration.toml",
)
_ARCHIVE = "/opt/kata/bin/containerd-shim-kata-v2"


class Kata(ShimRuntime):
    """The driver of Kata's shim."""

    name = "kata"
    shares_kernel = False
    binaries = ("containerd-shim-kata-v2",)
    version_flag = "--version"
    options_type = KATA_OPTIONS
    options_message = KATA

    @property
    def sandboxed_pods(self) -> bool:
        return True

    @property
    def path(self) -> str:
        if self.config.path:
            return super().path
        return find(self.binaries) or find((), _ARCHIVE) or super().path

    def configured(self) -> str:
        """The configuration file that was chosen; "" leaves it to Kata's own places."""
        given = containerd_options(self.name, self.config, KATA).get("config_path")
        return str(given or self.config.options.get("config") or "")

    def configuration(self) -> str:
        """The configuration file that counts; "" when there is none."""
        chosen = self.configured() or os.environ.get("KATA_CONF_FILE", "")
        if chosen:
            return chosen
        return next((path for path in CONFIGURATIONS if os.path.exists(path)), "")

    def options(self) -> dict[str, Any]:
        chosen = self.configured()
        return {"config_path": chosen} if chosen else {}

    def environment(self) -> dict[str, str]:
        chosen = self.configured() or os.environ.get("KATA_CONF_FILE", "")
        return {"KATA_CONF_FILE": chosen} if chosen else {}

    def probe(self) -> Probe:
        """All that is missing is said at once: the shim, KVM, the guest's kernel and image."""
        missing = list(self._missing())
        if missing:
            return Probe(False, "; ".join(missing))
        found = super().probe()
        return found.replace(details={**found.details, "config": self.configuration()})

    def _missing(self) -> Iterator[str]:
        try:
            _ = self.path
        except DriverUnavailable as error:
            yield error.message
        if not os.path.exists(KVM):
            yield f"this machine has no {KVM}: no virtualization, or it is not passed on"
        elif not os.access(KVM, os.R_OK | os.W_OK):
            yield f"{KVM} cannot be opened"
        path = self.configuration()
        if not path:
            yield f"no configuration file ({', '.join(CONFIGURATIONS)})"
        else:
            yield from _lacking(path)

    def features(self) -> RuntimeFeatures:
        """Of the machine's guest: its agent makes the containers."""
        return RuntimeFeatures(checkpoint=False, seccomp=False, user_namespaces=False)


def _lacking(path: str) -> Iterator[str]:
    """What a configuration names, and is not there: hypervisor, kernel, and image or initrd."""
    import tomllib

    try:
        with open(path, "rb") as file:
            hypervisors = tomllib.load(file).get("hypervisor", {})
    except (OSError, ValueError) as error:
        yield f"{path}: {error}"
        return
    found = hypervisors.items() if isinstance(hypervisors, dict) else ()
    tables = {name: table for name, table in found if isinstance(table, dict)}
    if not tables:
        yield f"{path} names no hypervisor"
    for name, table in tables.items():
        image = "image" if table.get("image") else "initrd"
        for key in ("path", "kernel", image):
            value = str(table.get(key, ""))
            if not value:
                yield f"{path}: hypervisor.{name} has no {key}"
            elif not os.path.exists(value):
                yield f"{path}: hypervisor.{name}.{key} {value} is not there"


@hookimpl
def rundlet_oci_runtime(name: str, config: RuntimeConfig) -> OCIRuntime | None:
    """Make the driver."""
    return create(Kata, name, config)
