"""Environment variables of the container's process."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .plan import SpecPlan


def environment(plan: SpecPlan, home: str) -> list[str]:
    """ "NAME=value" in podman's order: settings, `container`, TERM, image, user, HOME, HOSTNAME.

    `container=podman`: systemd, systemd-detect-virt(1) and many entry points recognise
    that value and would take another one for an unknown kind of container. Containers of pods
    have none, as with CRI-O and containerd.
    """
    request = plan.request
    result: dict[str, str] = dict(_pair(text) for text in plan.settings.environment)
    if not request.pod:
        result["container"] = "podman"
    if request.terminal:
        result["TERM"] = "xterm"
    result.update(_pair(text) for text in plan.image.get("Env") or ())
    for name in request.unset_env:
        if name == "*":  # --unsetenv-all
            result.clear()
        else:
            result.pop(name, None)
    for text in request.env_merge:
        name, value = _pair(text)
        result[name] = _merged(value, result)
    result.update(request.env)
    result.setdefault("HOME", home)
    if plan.hostname:
        result.setdefault("HOSTNAME", plan.hostname)
    if plan.systemd:
        result.setdefault("container_uuid", plan.container[:32])
    return [f"{name}={value}" for name, value in result.items()]


def _merged(value: str, known: Mapping[str, str]) -> str:
    """$NAME and ${NAME} replaced by what is known; "" where nothing is (podman-run --env-merge)."""
    import re

    return re.sub(
        r"\$(?:\{(\w+)\}|(\w+))", lambda found: known.get(found[1] or found[2], ""), value
    )


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
