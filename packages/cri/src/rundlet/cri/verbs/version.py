"""`rundlet-cri version`: what a CRI Version call answers (runtime.v1 VersionResponse)."""

from __future__ import annotations

from rundlet.core.commands.declare import Verb

from .. import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="version",
    summary="Print the versions of the runtime and of the API it serves",
    run="rundlet.cri.verbs.version:run",
)


def run(context: Context, arguments: Parsed) -> int:
    """Print the four fields, as crictl prints them."""
    context.print("Version:  0.1.0")
    context.print("RuntimeName:  rundlet")
    context.print(f"RuntimeVersion:  {__version__}")
    context.print("RuntimeApiVersion:  v1")
    return 0
