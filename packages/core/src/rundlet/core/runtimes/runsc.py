"""runsc, gVisor's runtime: a kernel in user space between the container and ours."""

from __future__ import annotations

import os

from ..contracts.probe import Probe
from ..contracts.runtime import Adapted, RuntimeFeatures, RuntimeState
from ..hookspecs import hookimpl
from . import runsc_spec
from .adapting import without_missing_weight
from .family import RuncFamily, create

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..contracts.runtime import OCIRuntime, OCISpec, RuntimeConfig

# google/gvisor#10704: before, the presence of /proc/sys/net/core/rmem_default was taken for the
# sign of the root network namespace; kernels after 6.6 have that file in every one.
_NETSTACK_FIXED = 20240801
_FILE_EVERYWHERE = (6, 7)
# About when CAP_BPF and its kin became known; before, a container that has them does not start.
_CAPABILITIES_FIXED = 20241001
_FLAG = "dev.gvisor.flag."
# conmon gives `exec` the flag --tty, which runsc does not have: the process object says it.
_WITHOUT_TTY = 'for word; do shift; [ "$word" = --tty ] || set -- "$@" "$word"; done; exec "$@"'


class Runsc(RuncFamily):
    """The driver of runsc.

    Options: `network` ("sandbox", "host", "none") and `platform` override what is chosen here.
    """

    name = "runsc"
    shares_kernel = False
    binaries = ("runsc",)

    def network(self) -> str:
        """gVisor's own network stack ("sandbox") where it works, else "host".

        "host" means the sockets of the container's network namespace, which still is its own.
        """
        configured = str(self.config.options.get("network", ""))
        if configured:
            return configured
        if self._release() < _NETSTACK_FIXED and _kernel() >= _FILE_EVERYWHERE:
            return "host"
        return "sandbox"

    def arguments(self) -> tuple[str, ...]:
        platform = self.config.options.get("platform")
        chosen = (f"--platform={platform}",) if platform else ()
        # Our own annotations (adapt) switch the network of one container; the user's are dropped.
        return (
            *super().arguments(),
            f"--network={self.network()}",
            "--allow-flag-override",
            *chosen,
        )

    def monitor_command(self) -> tuple[str, tuple[str, ...]]:
        path, arguments = super().monitor_command()
        return "/bin/sh", ("-c", _WITHOUT_TTY, "runsc", path, *arguments)

    def _release(self) -> int:
        """The date in "runsc version release-20221219.0" or "0.0~20221219.0"; 0 if unknown."""
        for word in self.facts().version.replace("-", " ").replace("~", " ").split():
            date = word.partition(".")[0]
            if len(date) == 8 and date.isdecimal():
                return int(date)
        return 0

    def knows(self, container: str) -> bool:
        return container in self._names()

    def containers(self) -> Sequence[RuntimeState]:
        return tuple(state for name in self._names() if (state := self.try_state(name)) is not None)

    def _names(self) -> list[str]:
        """runsc keeps a file per container: ID_sandbox:SANDBOX.state."""
        try:
            files = sorted(os.listdir(self.config.root))
        except FileNotFoundError:
            return []
        return [name.partition("_sandbox:")[0] for name in files if name.endswith(".state")]

    def remark(self) -> str:
        if self.config.options.get("network") or self.network() != "host":
            return ""
        return (
            "its own network stack refuses this kernel: uses the sockets of the container's "
            "network namespace (--network=host)"
        )

    def probe(self) -> Probe:
        found = super().probe()
        if found.works and os.uname().machine not in ("x86_64", "aarch64"):
            return Probe(False, f"runsc does not run on {os.uname().machine}", found.details)
        return found

    def adapt(self, spec: OCISpec) -> Adapted:
        warnings: list[str] = []
        adapted = without_missing_weight(spec, ("blkio.weight",), warnings)
        old = self._release() < _CAPABILITIES_FIXED
        adapted = runsc_spec.adapt(adapted, warnings, old_capabilities=old)
        annotations = {
            key: value
            for key, value in adapted.get("annotations", {}).items()
            if not key.startswith(_FLAG)
        }
        kinds = {row["type"] for row in adapted["linux"].get("namespaces", ())}
        if "network" not in kinds and self.network() == "sandbox":
            annotations[f"{_FLAG}network"] = "host"
        return Adapted({**adapted, "annotations": annotations}, tuple(warnings))

    def update(self, container: str, resources: Mapping[str, Any]) -> None:
        raise self.unsupported("change the resources of a running container")

    def features(self) -> RuntimeFeatures:
        """runsc has no `features` command."""
        return RuntimeFeatures(checkpoint=False, update=False, user_namespaces=False)


def _kernel() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(c for c in minor if c.isdecimal()) or 0)


@hookimpl
def rundlet_oci_runtime(name: str, config: RuntimeConfig) -> OCIRuntime | None:
    """Make the driver."""
    return create(Runsc, name, config)
