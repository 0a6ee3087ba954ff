"""`rundlet image sign`: sign images of a registry (podman-image-sign(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.options import AUTHFILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="image sign",
    summary="Sign an image",
    usage="[options] IMAGE [IMAGE...]",
    description="Creates a signature file that can be used later to verify the image, in the"
    " lookaside store that registries.d names, else below /var/lib/containers/sigstore.",
    run="rundlet.cli.verbs.image_sign:run",
    options=(
        Flag("all", "a", help="Sign all the manifests of the multi-architecture image"),
        AUTHFILE,
        Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
        Option("directory", "d", help="Define an alternate directory to store signatures",
               completes="files"),
        Option("sign-by", help="Name of the signing key"),
    ),
    arguments=Arguments(minimum=1, completes="images"),
    examples=("rundlet image sign --sign-by me@example.com docker://localhost:5000/web:1",),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Sign them in turn; the first error ends it."""
    from rundlet.core.errors import UsageError
    from rundlet.core.trust.files import sign
    from rundlet.core.verbs.signing import signing

    from .pull import transport_settings

    chosen = signing(arguments)
    if chosen is None:
        raise UsageError("no identity provided", remedy="Give --sign-by.")
    for name in arguments.arguments:
        sign(
            context.engine,
            name,
            chosen,
            settings=transport_settings(arguments),
            directory=arguments.text("directory"),
            instances=arguments.flag("all"),
        )
    return 0
