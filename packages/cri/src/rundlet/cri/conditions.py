"""Whether this node can run pods: the conditions of a CRI Status call (RuntimeCondition).

RuntimeReady: an OCI runtime works here. NetworkReady: the network plugin can attach pods.
"""

from __future__ import annotations

from rundlet.core.errors import RundletError
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.engine import Engine


class Condition(Value):
    """One condition: `reason` is a CamelCase word, `message` is for people; both "" when ready."""

    type: str
    status: bool
    reason: str = ""
    message: str = ""


def conditions(engine: Engine) -> tuple[Condition, Condition]:
    """RuntimeReady and NetworkReady of this machine, now."""
    return runtime(engine), network(engine)


def runtime(engine: Engine) -> Condition:
    """RuntimeReady: the default OCI runtime works here."""
    try:
        probe = engine.plugins.choose_runtime().probe()
    except RundletError as error:
        return Condition("RuntimeReady", False, "NoRuntime", str(error))
    if not probe.works:  # one that is configured by name is taken without asking it
        return Condition("RuntimeReady", False, "RuntimeNotReady", probe.reason)
    return Condition("RuntimeReady", True)


def network(engine: Engine) -> Condition:
    """NetworkReady: the network plugin can attach pods to their network."""
    try:
        problems = engine.plugins.choose_network().status()
    except RundletError as error:
        return Condition("NetworkReady", False, "NoNetworkPlugin", str(error))
    if problems:
        return Condition("NetworkReady", False, "NetworkPluginNotReady", "; ".join(problems))
    return Condition("NetworkReady", True)


def names(engine: Engine) -> list[str]:
    """Every handler that a pod may ask for: drivers, and the tables of the configuration."""
    drivers = (entry.name for entry in engine.plugins.available("runtime"))
    return sorted({*drivers, *engine.settings.runtimes})


def handlers(engine: Engine) -> list[dict[str, object]]:
    """Every handler by name, with whether a pod may ask for it here (RuntimeHandler)."""
    found: list[dict[str, object]] = []
    for name in names(engine):
        try:
            probe = engine.plugins.runtime(name).probe()
        except RundletError as error:
            found.append({"name": name, "ready": False, "reason": str(error)})
        else:
            found.append({"name": name, "ready": probe.works, "reason": probe.reason})
    return found
