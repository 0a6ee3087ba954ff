"""`rundlet artifact push`: an artifact to a registry (podman-artifact-push(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.options import AUTHFILE
from rundlet.core.verbs.signing import OPTIONS as SIGNING
from rundlet.core.verbs.tls_details import TLS_DETAILS

from .pull import RETRY, RETRY_DELAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="artifact push",
    summary="Push an OCI artifact to a registry",
    usage="[options] ARTIFACT [DESTINATION]",
    description="Push an artifact, as it is, under its own name or another.",
    run="rundlet.cli.verbs.artifact_push:run",
    options=(
        AUTHFILE,
        Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
        Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
        Option("digestfile", help="Write the digest of the pushed artifact to the specified file",
               completes="files"),
        Flag("quiet", "q", help="Suppress output information when pushing"),
        RETRY,
        RETRY_DELAY,
        *SIGNING,
        TLS_DETAILS,
        Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
    ),
    arguments=Arguments(minimum=1, maximum=2, completes="artifacts"),
    examples=("rundlet artifact push localhost/models:1 registry.example.com/team/models:1",),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Push, telling how it goes on standard error."""
    from rundlet.core.commands.progress import shown
    from rundlet.core.verbs.signing import signing

    from .pull import transport_settings
    from .push import write_digest

    name, *destination = arguments.arguments
    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        digest = context.engine.artifacts.push(
            name,
            destination[0] if destination else "",
            settings=transport_settings(arguments),
            progress=progress,
            signing=signing(arguments),
        )
    if arguments.text("digestfile"):
        write_digest(arguments.text("digestfile"), digest)
    return 0
