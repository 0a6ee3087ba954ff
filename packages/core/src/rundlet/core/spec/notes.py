"""Annotations of the spec: podman's own, then the user's as far as the runtime allows them."""

from __future__ import annotations

from ..format import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .plan import SpecPlan

SANDBOX = "io.kubernetes.cri-o.SandboxID"
CONTAINER_TYPE = "io.kubernetes.cri-o.ContainerType"
"""CRI-O's names for the annotations with the pod's id, and, where the pod has a machine, with
"sandbox" for the container that holds it and "container" for the others."""

RESTRICTED = (
    "io.kubernetes.cri-o.",
    "io.kubernetes.cri.rdt-class",
    "io.containers.trace-syscall",
    "seccomp-profile.kubernetes.cri-o.io",
    "cpu-c-states.crio.io",
    "cpu-freq-governor.crio.io",
    "cpu-load-balancing.crio.io",
    "cpu-quota.crio.io",
    "cpu-shared.crio.io",
    "irq-load-balancing.crio.io",
)
"""Beginnings of those that change how a container is run, and so are only for workloads that
`allowed_annotations` of the runtime says may have them (crio.conf(5))."""


def notes(plan: SpecPlan, warnings: list[str]) -> dict[str, str]:
    """podman's annotations, which other tools (hooks, crun, toolbox) look for, then the user's."""
    request = plan.request
    found = {
        "io.container.manager": "libpod",
        "io.podman.annotations.autoremove": _boolean(request.auto_remove),
        "io.podman.annotations.init": _boolean(request.init),
        "io.podman.annotations.privileged": _boolean(request.privileged),
        "io.podman.annotations.publish-all": _boolean(request.publish_all),
        "io.kubernetes.cri-o.TTY": "true" if request.terminal else "false",
    }
    if request.auto_remove_image:
        found["io.podman.annotations.autoremove-image"] = "TRUE"
    if plan.created:
        found["io.kubernetes.cri-o.Created"] = plan.created
    signal = request.stop_signal or str(plan.image.get("StopSignal") or "TERM")
    found["org.opencontainers.image.stopSignal"] = str(signals.number(signal))
    if "keep-groups" in request.group_add:
        found["run.oci.keep_original_groups"] = "1"
    for text in plan.settings.annotations:
        key, _, value = text.partition("=")
        found[key] = value
    kept = allowed(request.annotations, plan.runtime_config.allowed_annotations)
    warnings += [
        f"annotation {key} is left out: the runtime is not configured to allow it"
        for key in request.annotations
        if key not in kept
    ]
    return {**found, **plan.annotations, **plan.runtime_config.default_annotations, **kept}


def allowed(said: Mapping[str, str], beginnings: Sequence[str] | None) -> dict[str, str]:
    """The annotations that remain where only restricted ones with these beginnings may be."""
    if beginnings is None:
        return dict(said)
    return {
        key: value
        for key, value in said.items()
        if not key.startswith(RESTRICTED) or key.startswith(tuple(beginnings))
    }


def _boolean(value: bool) -> str:
    return "TRUE" if value else "FALSE"
