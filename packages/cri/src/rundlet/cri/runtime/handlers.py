"""Runtime handlers: which OCI runtime a pod gets."""

from __future__ import annotations

import os

from rundlet.core import Engine
from rundlet.core.errors import DriverUnavailable, InvalidArgument, RundletError

from ..proto import api_pb2 as cri


def names(engine: Engine) -> list[str]:
    """Every handler that a pod may ask for: drivers, and the tables of the configuration."""
    drivers = (entry.name for entry in engine.plugins.available("runtime"))
    return sorted({*drivers, *engine.settings.runtimes})


def resolve(engine: Engine, handler: str) -> str:
    """The OCI runtime of a handler, "" being the node's default.

    Raises InvalidArgument for an unknown one, DriverUnavailable for one that does not work here.
    """
    if not handler:
        return engine.plugins.choose_runtime().name
    known = names(engine)
    if handler not in known:
        raise InvalidArgument(
            f"there is no runtime handler {handler!r}", remedy=f"Here are: {', '.join(known)}."
        )
    probe = engine.plugins.runtime(handler).probe()
    if not probe.works:
        raise DriverUnavailable(f"runtime handler {handler} does not work here: {probe.reason}")
    return _lasting(engine, handler)


def _lasting(engine: Engine, handler: str) -> str:
    """What containers note as their runtime: the binary, where that says all.

    So pods keep theirs when the table of a handler changes, and tools that do not read the
    server's configuration find it too.
    """
    table = engine.settings.runtimes.get(handler, {})
    path = str(table.get("path", ""))
    kind = str(table.get("kind", handler))
    named = os.path.basename(path).startswith(kind)
    return path if path and named and set(table) <= {"path", "kind"} else handler


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
                    recursive_read_only_mounts=features.recursive_read_only
                ),
            )
        )
    return found
