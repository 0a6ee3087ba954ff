"""`rundlet-skopeo version`."""

from __future__ import annotations

from rundlet.core.commands.declare import Verb

from .. import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(name="version", summary="Print the version", run="rundlet.skopeo.verbs.version:run")


def run(context: Context, arguments: Parsed) -> int:
    """Print it as skopeo does."""
    context.print(f"rundlet-skopeo version {__version__}")
    return 0
