"""`logout`: forget the credentials of a registry (podman-logout(1))."""

from __future__ import annotations

from ..commands.declare import Arguments, Flag, Option, Verb
from ..commands.options import AUTHFILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..commands.context import Context, Parsed

VERB = Verb(
    name="logout",
    summary="Log out of a container registry",
    usage="[options] [REGISTRY]",
    run="rundlet.core.verbs.logout:run",
    options=(
        Flag("all", "a", help="Remove the cached credentials for all registries in the auth file"),
        AUTHFILE,
        Option("compat-auth-file", help="Path of a Docker-compatible config file", hidden=True),
    ),
    arguments=Arguments(maximum=1, completes="none"),
    examples=("rundlet logout quay.io", "rundlet logout --all"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Log out and say so."""
    from ..errors import UsageError
    from ..transports.docker import login
    from .login import helpers, registry, transport_settings

    settings = transport_settings(context, arguments)
    keepers = helpers(context, arguments)
    if arguments.flag("all"):
        if arguments.arguments:
            raise UsageError("--all takes no arguments")
        login.log_out_everywhere(settings, keepers)
        context.print("Removed login credentials for all registries")
        return 0
    name = registry(context, arguments)
    login.log_out(name, settings, keepers)
    context.print(f"Removed login credentials for {name}")
    return 0
