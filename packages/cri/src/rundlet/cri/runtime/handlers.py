"""Runtime handlers: which OCI runtime a pod gets."""

from __future__ import annotations

from rundlet.core import Engine
from rundlet.core.errors import DriverUnavailable, InvalidArgument, NotSupported, RundletError
from rundlet.core.plugins import kept

from ..conditions import names
from ..proto import api_pb2 as cri


def resolve(engine: Engine, handler: str) -> str:
    """The OCI runtime of a handler, "" being the node's default, as containers note it.

    They keep the table that it has now. Raises InvalidArgument for an unknown one,
    DriverUnavailable for one that does not work here.
    """
    if not handler:
        wanted = engine.settings.runtime or engine.plugins.choose_runtime().name
        return kept.keep(engine.settings, wanted)
    known = names(engine)
    if handler not in known:
        raise InvalidArgument(
            f"there is no runtime handler {handler!r}", remedy=f"Here are: {', '.join(known)}."
        )
    probe = engine.plugins.runtime(handler).probe()
    if not probe.works:
        raise DriverUnavailable(f"runtime handler {handler} does not work here: {probe.reason}")
    return kept.keep(engine.settings, handler)


def check_users(engine: Engine, runtime: str) -> None:
    """Raises NotSupported for an OCI runtime whose pods can have no user namespace."""
    driver = engine.plugins.runtime(runtime)
    if not driver.features().user_namespaces:
        raise NotSupported(
            f"OCI runtime {driver.name} has no user namespaces for pods",
            remedy="set hostUsers: true in the pod, or choose another runtime class",
        )


def check_recursive(engine: Engine, runtime: str, where: str) -> None:
    """Raises NotSupported for an OCI runtime that leaves the mounts below a mount writable."""
    driver = engine.plugins.runtime(runtime)
    if not driver.features().recursive_read_only:
        raise NotSupported(
            f"mount {where}: OCI runtime {driver.name} has no recursive_read_only",
            remedy="set recursiveReadOnly: IfPossible, or choose another runtime class",
        )


def listed(engine: Engine) -> list[cri.RuntimeHandler]:
    """The handlers that work here with their features, the default (named "") first."""
    found = []
    for name in ("", *names(engine)):
        try:
            runtime = engine.plugins.runtime(name) if name else engine.plugins.choose_runtime()
            if not runtime.probe().works:
                continue
            features = runtime.features()
        except RundletError:
            continue
        found.append(
            cri.RuntimeHandler(
                name=name,
                features=cri.RuntimeHandlerFeatures(
                    recursive_read_only_mounts=features.recursive_read_only,
                    user_namespaces=features.user_namespaces,
                ),
            )
        )
    return found
