"""`rundlet-cri serve`, or no verb at all: the server that kubelet and crictl talk to."""

from __future__ import annotations

from rundlet.core.commands.declare import Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="serve",
    summary="Serve the Container Runtime Interface on a unix socket (also without a verb)",
    run="rundlet.cri.verbs.serve:run",
)


def run(context: Context, arguments: Parsed) -> int:
    """Serve until SIGTERM; SIGHUP reads the configuration again."""
    import logging
    import os
    from functools import partial

    from rundlet.core.settings import places as rundlet

    from ..config.load import other, places
    from ..config.setup import read
    from ..config.warn import warnings
    from ..rpc import core_settings
    from ..server import logs

    core_settings.apply(os.environ)
    from ..server.serve import main  # imports gRPC

    options = context.options
    setup = read(options)
    logs.begin(
        setup.config,
        str(other(options, os.environ, "log") or ""),
        str(other(options, os.environ, "log-format")),
    )
    for text in warnings(setup.config, options):
        logging.getLogger("rundlet.cri").warning("%s", text)
    _, mine = places(options, os.environ)
    return main(partial(read, options), (*mine, *rundlet.find(os.environ).rundlet))
