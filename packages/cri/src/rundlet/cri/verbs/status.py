"""`rundlet-cri status`: the node's conditions and runtime handlers as JSON (as `crictl info`)."""

from __future__ import annotations

from rundlet.core.commands.declare import Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="status",
    summary="Print whether pods can be run on this node, and with which runtime handlers",
    run="rundlet.cri.verbs.status:run",
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the status; exit code 0 also when a condition is not met, as crictl's."""
    import json

    from ..conditions import conditions, handlers
    from ..config.setup import NodeEngine, read

    with NodeEngine(read(context.options)) as engine:
        document = {
            "status": {"conditions": [one.as_dict() for one in conditions(engine)]},
            "runtimeHandlers": handlers(engine),
        }
    context.print(json.dumps(document, indent=2))
    return 0
