"""`rundlet-cri config`: the configuration in force, as a crio.conf."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="config",
    summary="Print the configuration with a comment on every key, to be saved as crio.conf",
    options=(Flag("default", help="Print the defaults, whatever is configured"),),
    run="rundlet.cri.verbs.config:run",
)


def run(context: Context, arguments: Parsed) -> int:
    """Print it; files, variables and options before the verb have a say."""
    from ..config.load import load
    from ..config.model import defaults
    from ..config.show import commented

    config = defaults() if arguments.flag("default") else load(context.options)
    context.print(commented(config), end="")
    return 0
