"""The limits of a container: the plan that they come from, and how they will be in its spec."""

from __future__ import annotations

from ..cgroups.layout import layout
from ..errors import RundletError
from ..spec import namespaces, rlimits
from ..spec.host import here
from ..spec.plan import SpecPlan
from ..spec.resources import resources
from .settled import settled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..engine import Engine
    from ..state.containers import Container
    from .request import ContainerRequest


def plan(engine: Engine, row: Container, request: ContainerRequest) -> SpecPlan:
    """As much of the plan of a container's spec as limits depend on."""
    return SpecPlan(
        request=request,
        container=row.id,
        name=row.name,
        rootfs="/",
        image={},
        settings=settled(engine, row),
        layout=layout(engine.settings.cgroup_manager),
        host=here(),
    )


def expected(engine: Engine, row: Container, request: ContainerRequest) -> dict[str, Any]:
    """What the spec of a container that was never started would say of limits on this machine.

    {} where it cannot be started as things are now, of which its start will tell.
    """
    planned, unheard = plan(engine, row, request), list[str]()
    try:
        own = namespaces.mode(planned, "cgroup") == "private"
        return {
            "process": {"rlimits": rlimits.rlimits(planned, unheard)},
            "linux": {
                "resources": resources(planned, unheard),
                "namespaces": [{"type": "cgroup"}] if own else [],
            },
        }
    except RundletError:
        return {}
