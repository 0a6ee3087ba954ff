"""`rundlet artifact pull`: an artifact from a registry (podman-artifact-pull(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.options import AUTHFILE
from rundlet.core.verbs.encryption import DECRYPTION_KEY
from rundlet.core.verbs.tls_details import TLS_DETAILS

from .pull import RETRY, RETRY_DELAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="artifact pull",
    summary="Pull an OCI artifact from a registry and store it locally",
    usage="[options] ARTIFACT",
    description="Pull an artifact, as it is but for files that are decrypted. Its name must be"
    " whole.",
    run="rundlet.cli.verbs.artifact_pull:run",
    options=(
        AUTHFILE,
        Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
        Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
        DECRYPTION_KEY,
        Flag("quiet", "q", help="Suppress output information when pulling"),
        RETRY,
        RETRY_DELAY,
        TLS_DETAILS,
        Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
    ),
    arguments=Arguments(minimum=1, maximum=1),
    examples=("rundlet artifact pull registry.example.com/team/models:1",),
)


def run(context: Context, arguments: Parsed) -> int:
    """Pull; prints the digest."""
    from rundlet.core.commands.progress import shown
    from rundlet.core.verbs.encryption import encryption

    from .pull import transport_settings

    with shown(context.stderr, quiet=arguments.flag("quiet")) as progress:
        digest = context.engine.artifacts.pull(
            arguments.arguments[0],
            settings=transport_settings(arguments),
            progress=progress,
            encryption=encryption(arguments),
        )
    context.print(digest.partition(":")[2])
    return 0
