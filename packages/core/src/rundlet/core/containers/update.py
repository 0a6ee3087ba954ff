"""A container is changed: limits also while it runs, checks from the next one on, variables,
ulimits and restarts from its next start (podman-update(1)).
"""

from __future__ import annotations

import json

from ..cgroups.limits import PERIOD
from ..cgroups.limits import check as check_limits
from ..linux import oom
from ..spec import rlimits
from ..spec.resources import resources
from ..state import containers as rows
from ..value import EMPTY
from . import bundle, cgroupless, notify
from . import limits as limits_of
from .health import timer
from .health.plan import validate
from .paths import Paths
from .restart import policy
from .state import derive, has_process
from .stats import members
from .stored import request_of, request_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..engine import Engine
    from ..spec.plan import SpecPlan
    from ..state.containers import Container
    from .request import ContainerRequest, Resources


def update(
    engine: Engine,
    row: Container,
    restart: str = "",
    *,
    env: Mapping[str, str] = EMPTY,
    unset_env: Sequence[str] = (),
    ulimits: Sequence[str] = (),
    health: Mapping[str, Any] = EMPTY,
    oom_score_adj: int | None = None,
    **limits: Any,
) -> Container:
    """Change fields of Resources, the restart policy, variables, healthchecks, oom_score_adj.

    health: fields of ContainerRequest; of `healthcheck` and `startup_healthcheck` only the
    keys that are there. oom_score_adj: also of the processes that run; None leaves it.

    Raises InvalidArgument for what contradicts itself, RuntimeFailed when the runtime refuses
    limits; nothing is changed then.
    """
    policy(restart)
    with engine.locks.hold("container", row.id):
        row = derive(engine, rows.find(engine.database, row.id))
        request = request_of(row.request)
        if limits:
            cgroupless.refuse(row, "update the limits of")
        changed = request.replace(
            resources=_replaced(request.resources, limits),
            restart=restart or request.restart,
            **_variables(request, env, unset_env),
            ulimits=_limits(request.ulimits, ulimits),
            oom_score_adj=request.oom_score_adj if oom_score_adj is None else oom_score_adj,
            **_checks(request, health),
        )
        check_limits(changed.resources)
        if health:
            validate(changed, json.loads(row.extra).get("image", {}))
        plan = limits_of.plan(engine, row, changed)
        warnings: list[str] = []
        wanted = _wanted_limits(engine, row, plan, warnings)
        score = None if oom_score_adj is None else rlimits.oom_score_adj(plan, warnings)
        if has_process(row):
            if limits:
                engine.plugins.runtime(row.runtime).update(row.id, wanted)
            if limits or ulimits:
                own = rlimits.rlimits(plan, warnings)
                _note_in_bundle(engine, row, wanted if limits else {}, own)
            if score is not None:
                warnings += _adjust_oom_score(engine, row, score)
        row = row.replace(request=request_text(changed))
        rows.update(engine.database, row.id, request=row.request)
        if health and has_process(row):
            timer.begin(engine, row, changed)
        notify.event(engine, row, "update")
    bundle.warn(tuple(warnings))
    return row


def _replaced(before: Resources, limits: Mapping[str, Any]) -> Resources:
    """With other limits: `cpus` stands for the two that it says, and they for it."""
    if limits.get("cpus"):
        before = before.replace(cpu_period=None, cpu_quota=None)
    elif before.cpus and (limits.get("cpu_period") or limits.get("cpu_quota")):
        quota = int(before.cpus * PERIOD)
        before = before.replace(cpus=None, cpu_period=PERIOD, cpu_quota=quota)
    return before.replace(**limits)


def _wanted_limits(
    engine: Engine, row: Container, plan: SpecPlan, warnings: list[str]
) -> dict[str, Any]:
    """`linux.resources` as the container's runtime takes it. Raises InvalidArgument."""
    runtime = engine.plugins.runtime(row.runtime)
    adapted = runtime.adapt({"linux": {"resources": resources(plan, warnings)}})
    warnings += adapted.warnings
    wanted: dict[str, Any] = adapted.spec["linux"]["resources"]
    wanted.pop("devices", None)  # those are not changed here
    return wanted


def _adjust_oom_score(engine: Engine, row: Container, score: int) -> list[str]:
    """Give it to the processes of a running container; warnings."""
    if oom.adjust(lambda: members(engine, row), score):
        return []
    return [f"oom-score-adj {score} is not that of all processes: no right to lower it here"]


def _variables(
    request: ContainerRequest, env: Mapping[str, str], unset_env: Sequence[str]
) -> dict[str, Any]:
    """The request's variables, with others, and without some, also of the image's."""
    kept = {name: value for name, value in request.env.items() if name not in unset_env}
    unset = tuple(name for name in request.unset_env if name not in env)
    return {
        "env": {**kept, **env},
        "unset_env": tuple(dict.fromkeys((*unset, *unset_env))),
    }


def _limits(before: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """ "NAME=SOFT[:HARD]": those that are named replace what was asked for before.

    Raises InvalidArgument.
    """
    named = {rlimits.parse(text)[0] for text in wanted}
    return (*(text for text in before if rlimits.parse(text)[0] not in named), *wanted)


def _checks(request: ContainerRequest, health: Mapping[str, Any]) -> dict[str, Any]:
    """A check is changed key by key, and a check that was off is on with a new command."""
    changes = dict(health)
    for name in ("healthcheck", "startup_healthcheck"):
        wanted = changes.pop(name, None)
        if wanted is not None:
            changes[name] = {**(getattr(request, name) or {}), **wanted}
    if changes.get("healthcheck", {}).get("Test") == ["NONE"]:
        changes["startup_healthcheck"] = None
    return changes


def _note_in_bundle(
    engine: Engine, row: Container, wanted: dict[str, Any], ulimits: list[dict[str, Any]]
) -> None:
    """What `inspect` shows of a running container, and an `exec` gets, is of its bundle."""
    from .exec import specification

    spec = specification(engine, row)
    current = spec.setdefault("linux", {}).setdefault("resources", {})
    current.update(wanted)
    spec["process"]["rlimits"] = ulimits
    bundle.store(Paths(engine, row.id), spec)
